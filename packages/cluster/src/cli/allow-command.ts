import { edgeLimits } from "../server/edge-limits.ts";
import { allowSpec } from "./commands.ts";
import { clusterEndpoints } from "./endpoints.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { reachOf } from "./reach.ts";
import { UsageError } from "./usage-error.ts";
import { windowHint } from "./window-hint.ts";

/** Asks through the SDK, as a service would; resolves with the exit status. */
export async function allowCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, allowSpec);
  if (flags.has("help")) {
    process.stdout.write(commandHelp(allowSpec));
    return 0;
  }
  const asked = question(flags.operands, flags.text("policy"));
  const burst = flags.whole("burst");
  const algorithm = flags.choice("algorithm");
  if (asked.policy !== undefined && (burst !== undefined || algorithm !== undefined)) {
    const own = burst === undefined ? "algorithm" : "burst";
    throw new UsageError(`--${own} is the policy's to say; leave it out`);
  }
  const cost = flags.whole("cost");
  const { ca, token } = reachOf(flags);
  const timeoutMs = flags.whole("timeout");
  const { createGuard } = await import("@quorumguard/sdk-node");
  const guard = createGuard({
    endpoints: clusterEndpoints(flags.all("endpoints")).map((endpoint) => secureIf(ca !== null, endpoint)),
    ...(ca === null ? {} : { tls: { ca } }),
    ...(token() === null ? {} : { token: () => token() ?? "" }),
    namespace: flags.text("namespace") ?? "",
    timeoutMs,
    // A made-up answer would be worse than none: whoever types this wants to know.
    onUnavailable: "throw",
  });
  try {
    const { key, policy } = asked;
    const decision = await (policy === undefined
      ? guard.allow(key, asked.limit, asked.window, {
          cost,
          ...(algorithm === undefined ? {} : { algorithm }),
          ...(burst === undefined ? {} : { burst }),
        })
      : guard.allow(key, policy, { cost }));
    const text = flags.has("json") ? JSON.stringify(decision) : sentence(decision);
    process.stdout.write(`${text}\n`);
    return decision.allowed ? 0 : 3;
  } finally {
    await guard.close();
  }
}

type Window = `${number}${"ms" | "s" | "m" | "h" | "d"}`;

type Question =
  | { readonly key: string; readonly policy: string }
  | { readonly key: string; readonly policy?: undefined; readonly limit: number; readonly window: Window };

/** Who gives an authority means TLS, here as in every other command. */
function secureIf(isSecure: boolean, endpoint: string): string {
  return !isSecure || /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
}

function question(operands: readonly string[], policy: string | undefined): Question {
  const [key, limit, window, ...rest] = operands;
  if (policy !== undefined) {
    if (policy === "") throw new UsageError("--policy is empty: give the name of a policy");
    if (key !== undefined && limit === undefined) return { key, policy };
    throw new UsageError("give KEY alone with --policy, such as user:1 --policy login; see quorumguard allow --help");
  }
  if (key === undefined || limit === undefined || window === undefined || rest.length > 0) {
    throw new UsageError("give KEY LIMIT WINDOW, such as user:1 5 1m; see quorumguard allow --help");
  }
  if (!/^\d{1,10}$/.test(limit) || Number(limit) > edgeLimits.maxLimit) {
    throw new UsageError(
      `LIMIT is ${JSON.stringify(limit)}: it must be a whole number from 0 to ${edgeLimits.maxLimit}`,
    );
  }
  if (!/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(window)) {
    throw new UsageError(`WINDOW is ${JSON.stringify(window)}: ${windowHint(window)}`);
  }
  return { key, limit: Number(limit), window: window as Window };
}

function sentence(decision: {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number | null;
  readonly resetAfterMs: number | null;
  readonly retryAfterMs: number | null;
  readonly source: string;
}): string {
  const facts = `${decision.remaining ?? "?"} of ${decision.limit} left, decided by ${decision.source}`;
  if (decision.allowed) return `allowed (${facts})`;
  const retry = decision.retryAfterMs === null ? "never" : `in ${decision.retryAfterMs} ms`;
  return `denied, try again ${retry} (${facts})`;
}
