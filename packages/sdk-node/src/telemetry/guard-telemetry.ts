import type { GuardObserver } from "@quorumguard/sdk-core";
import { channelObserver } from "./channels.ts";
import { combineObservers } from "./combine-observers.ts";
import { debugObserver } from "./debug-log.ts";
import { openTelemetryObserver } from "./opentelemetry.ts";

/** All that a guard of this package tells operators: spans and metrics, diagnostics channels, and the debug log. */
export function guardTelemetry(version: string): GuardObserver {
  return combineObservers([openTelemetryObserver(version), channelObserver, debugObserver()]);
}
