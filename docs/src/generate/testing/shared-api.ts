import { type Api, readApi } from "../api/read-api.ts";

let reading: Promise<Api> | undefined;

/** The packages' sources, read once for all tests of a process: they only look at what was read. */
export function sharedApi(): Promise<Api> {
  reading ??= readApi();
  return reading;
}
