import { withRateLimit } from "@quorumguard/middleware/next";
import { NextResponse } from "next/server";
import { guard, policies } from "./guard.js";

/** Limits many routes at once, before Next looks for them. */
export const proxy = withRateLimit({ guard, policies, limits: "api", trustedProxies: 1 }, () => NextResponse.next());

export const config = { matcher: "/api/:path*" };
