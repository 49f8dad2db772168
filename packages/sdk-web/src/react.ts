"use client";

/**
 * QuorumGuard for React 18 and later: a hook around the guard of a page. On a server it renders what a page shows before its first
 * attempt, and asks nobody.
 */
export type { RateLimitNotice } from "./rate-limit-store.ts";
export { type RateLimit, type RateLimitOptions, useRateLimit } from "./use-rate-limit.ts";
