import type { Device } from "./platform-options.ts";

/** A device that knows nothing: it always has a network. */
export const plainDevice: Device = {
  isOffline: () => false,
  isCutOff: () => false,
  onReturn: () => () => {},
};

/** Why a call was not sent by a device without a network. */
export const OFFLINE = "this device says that it is offline, so the call was not sent; nothing was counted";
