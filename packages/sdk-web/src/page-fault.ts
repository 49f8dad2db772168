/** What Chromium, Firefox and Safari say of every fetch that fails. They tell a page no more: it could learn what its visitor can reach. */
const browsersWords = /^(Failed to fetch|NetworkError when attempting to fetch|Load failed)/;

/** The part of a page's or worker's global scope that tells where it came from. */
interface Scope {
  readonly location?: { readonly origin: string; readonly protocol: string };
}

/**
 * Why a browser may have failed to reach an endpoint that never answered, and where to look; empty: it was no browser that failed,
 * and the error says more itself.
 */
export function pageFault(endpoint: string, error: unknown, scope: Scope = globalThis as Scope): string {
  if (!(error instanceof Error && browsersWords.test(error.message))) return "";
  const { origin = "", protocol = "" } = scope.location ?? {};
  const { origin: its, protocol: spoken } = new URL(endpoint, URL.canParse(origin) ? origin : "http://localhost");
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
