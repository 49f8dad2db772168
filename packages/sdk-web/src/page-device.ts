import type { Device, Runtime } from "@quorumguard/sdk-core";

/** What the wall clock gains on the other one between two looks is sleep if it is more. */
const SLEEP_MS = 1_000;

/** The part of a page's or worker's global scope that tells of the device. Servers, which render pages too, have less of it. */
interface Scope {
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: EventTarget & { readonly visibilityState?: string };
  readonly addEventListener?: EventTarget["addEventListener"];
  readonly removeEventListener?: EventTarget["removeEventListener"];
}

/** The device under a page or worker; `isRemote`: what it asks cannot be reached without a network. */
export function createPageDevice(
  runtime: Pick<Runtime, "monotonicMs" | "wallMs">,
  isRemote: boolean,
  scope: Scope = globalThis as Scope,
): Device {
  const isOffline = () => scope.navigator?.onLine === false;
  return {
    isOffline,
    isCutOff: () => isRemote && isOffline(),
    onReturn(listener) {
      const gainMs = () => runtime.wallMs() - runtime.monotonicMs();
      let lastGainMs = gainMs();
      const hasSlept = (): boolean => {
        const sleptMs = gainMs() - lastGainMs;
        lastGainMs += sleptMs;
        return sleptMs >= SLEEP_MS;
      };
      const onShown = () => {
        if (scope.document?.visibilityState !== "hidden" && hasSlept()) listener();
      };
      // A page that comes out of the cache of the back button has slept, whatever the clocks say.
      const onPageShow = (event: Event) => {
        if ((event as PageTransitionEvent).persisted) listener();
      };
      const ends = [
        listen(scope, "online", listener),
        listen(scope, "pageshow", onPageShow),
        listen(scope, "focus", onShown),
        listen(scope.document, "visibilitychange", onShown),
        // Chromium's own, for pages that it froze.
        listen(scope.document, "resume", listener),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

function listen(
  target: Pick<Scope, "addEventListener" | "removeEventListener"> | undefined,
  type: string,
  listener: (event: Event) => void,
): () => void {
  target?.addEventListener?.(type, listener);
  return () => target?.removeEventListener?.(type, listener);
}
