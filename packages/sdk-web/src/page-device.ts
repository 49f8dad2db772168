import type { Device, Runtime } from "@quorumguard/sdk-core";
import { createSleepMeter } from "./sleep-meter.ts";

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
  let look = () => {};
  return {
    isOffline,
    isCutOff() {
      // Asked before each call that is sent: in a worker, and in a page that was on show all along, no event tells of sleep.
      look();
      return isRemote && isOffline();
    },
    onReturn(listener) {
      const sleptMs = createSleepMeter(runtime);
      look = () => {
        if (sleptMs() > 0) listener();
      };
      const onShown = () => {
        if (scope.document?.visibilityState !== "hidden") look();
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
        look = () => {};
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
