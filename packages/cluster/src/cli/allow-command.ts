import { clusterEndpoints } from "./endpoints.ts";
import { type ParsedFlags, parseFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

const allowHelp = `quorumguard allow: ask for one decision

  quorumguard allow user:1 5 1m          at most 5 per minute for user:1

  KEY                what is limited
  LIMIT              how many per window
  WINDOW             500ms, 10s, 5m, 1h, 1d
  --cost N           how many this takes (1)
  --algorithm NAME   sliding-window-log (default) or token-bucket
  --burst N          token-bucket: how many at once (LIMIT)
  --endpoints LIST   gRPC addresses ($QUORUMGUARD_ENDPOINTS, else 127.0.0.1:7400)
  --timeout MS       (1000)
  --json             the decision as one JSON line
  --help

Exit status: 0 allowed, 3 denied, 1 no decision, 2 wrong usage.
`;

const algorithms = ["sliding-window-log", "token-bucket"] as const;

/** Asks through the SDK, as a service would; resolves with the exit status. */
export async function allowCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, {
    cost: { type: "string" },
    algorithm: { type: "string" },
    burst: { type: "string" },
    endpoints: { type: "string", multiple: true },
    timeout: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean" },
  });
  if (flags.has("help")) {
    process.stdout.write(allowHelp);
    return 0;
  }
  const { key, limit, window } = question(flags.positionals);
  const algorithm = algorithmOf(flags);
  const cost = flags.whole("cost", 1, 2 ** 31 - 1);
  const burst = flags.whole("burst", 1, 2 ** 31 - 1);
  const { createGuard } = await import("@quorumguard/sdk-node");
  const guard = createGuard({
    endpoints: clusterEndpoints(flags.all("endpoints")),
    timeoutMs: flags.whole("timeout", 1, 600_000) ?? 1_000,
    // A made-up answer would be worse than none: whoever types this wants to know.
    onUnavailable: "throw",
  });
  try {
    const decision = await guard.allow(key, limit, window, {
      ...(algorithm === undefined ? {} : { algorithm }),
      ...(cost === undefined ? {} : { cost }),
      ...(burst === undefined ? {} : { burst }),
    });
    const text = flags.has("json") ? JSON.stringify(decision) : sentence(decision);
    process.stdout.write(`${text}\n`);
    return decision.allowed ? 0 : 3;
  } finally {
    await guard.close();
  }
}

type Window = `${number}${"ms" | "s" | "m" | "h" | "d"}`;

function question(positionals: readonly string[]): { key: string; limit: number; window: Window } {
  const [key, limit, window, ...rest] = positionals;
  if (key === undefined || limit === undefined || window === undefined || rest.length > 0) {
    throw new UsageError("give KEY LIMIT WINDOW, such as user:1 5 1m; see quorumguard allow --help");
  }
  if (!/^\d{1,10}$/.test(limit) || Number(limit) > 2 ** 31 - 1) {
    throw new UsageError(`LIMIT is ${JSON.stringify(limit)}: it must be a whole number from 0 to ${2 ** 31 - 1}`);
  }
  if (!/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(window)) {
    throw new UsageError(
      `WINDOW is ${JSON.stringify(window)}: write a number with its unit, such as 500ms, 10s, 5m, 1h, 1d`,
    );
  }
  return { key, limit: Number(limit), window: window as Window };
}

function algorithmOf(flags: ParsedFlags): (typeof algorithms)[number] | undefined {
  const text = flags.text("algorithm");
  if (text === undefined) return undefined;
  const algorithm = algorithms.find((known) => known === text);
  if (algorithm !== undefined) return algorithm;
  throw new UsageError(`--algorithm is ${JSON.stringify(text)}: it must be one of ${algorithms.join(", ")}`);
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
