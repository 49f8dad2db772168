import { type PageScope, pageOrigin } from "./page-origin.ts";

/** What Chromium, Firefox and Safari say of every fetch that fails. They tell a page no more: it could learn what its visitor can reach. */
const browsersWords = /^(Failed to fetch|NetworkError when attempting to fetch|Load failed)/;

/**
 * Why a browser may have failed to reach an endpoint that never answered, and where to look; empty: it was no browser that failed,
 * and the error says more itself.
 */
export function pageFault(endpoint: string, error: unknown, scope: PageScope = globalThis as PageScope): string {
  if (!(error instanceof Error && browsersWords.test(error.message))) return "";
  const origin = pageOrigin(scope) ?? "";
  const { protocol = "" } = scope.location ?? {};
  const { origin: its, protocol: spoken } = new URL(endpoint, origin || "http://localhost");
  const causes = [
    "nothing listens there or no network is up",
    ...(spoken === "https:" ? ["its certificate is not trusted"] : []),
    ...(protocol === "https:" && spoken === "http:" ? ["it has no https://, as an https:// page needs"] : []),
    ...(its === origin
      ? []
      : [
          `it does not list the page's origin (--cors-origin ${origin || "https://…"} of each node, or the proxy's list)`,
        ]),
    "the page's Content-Security-Policy does not name it in connect-src",
  ];
  return `a browser does not say why: ${causes.join(", or ")}; its console may`;
}
