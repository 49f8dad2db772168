import type { PlatformOptions } from "./platform-options.ts";

/** Whether what one request began may end with it, unsettled, as on edge runtimes: there no request may wait for what another one does. */
export function isPerRequest({ maxCallsPerRequest = 1 }: PlatformOptions): boolean {
  return maxCallsPerRequest === 1;
}
