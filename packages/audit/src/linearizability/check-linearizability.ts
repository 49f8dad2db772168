import type { Model, Operation } from "./model.ts";
import { type SearchResult, searchOrder } from "./search.ts";

/** How long a check may take. */
export interface CheckOptions {
  /** Milliseconds for the whole history; default: no limit. */
  readonly timeLimitMs?: number;
  /** Configurations tried over the whole history, the same on every machine; default: no limit. */
  readonly maxSteps?: number;
  /** Monotonic time in milliseconds; asked only where there is a time limit. */
  readonly nowMs?: () => number;
}

/** What a check came to. */
export interface CheckResult {
  /** Unknown: the limit was reached before an answer. */
  readonly verdict: "ok" | "illegal" | "unknown";
  /** Configurations tried. */
  readonly steps: number;
  readonly parts: number;
  /** For a history that is illegal: the part that has no order, in words. */
  readonly explanation: readonly string[];
}

/**
 * Whether a history is linearizable (Herlihy & Wing 1990): whether its operations, each at some instant between call and
 * return, make a run of the sequential model. Partitioned where the model can be; each part is searched on its own.
 * One illegal part makes the history illegal, even if another took too long.
 *
 * @throws {RangeError} when an operation has no interval: its return before its call, or a time that is no number.
 */
export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  options: CheckOptions = {},
): CheckResult {
  for (const [at, { callAt, returnAt, clientId }] of history.entries())
    if (!(callAt <= returnAt))
      throw new RangeError(`operation ${at} of ${clientId}: returnAt ${returnAt} must not be before callAt ${callAt}`);
  const { timeLimitMs = Number.POSITIVE_INFINITY, maxSteps = Number.POSITIVE_INFINITY } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  const untilMs = timeLimitMs === Number.POSITIVE_INFINITY ? timeLimitMs : nowMs() + timeLimitMs;
  const late = () => untilMs !== Number.POSITIVE_INFINITY && nowMs() >= untilMs;
  const parts = model.partition?.(history) ?? [history];
  let steps = 0;
  let verdict: "ok" | "unknown" = "ok";
  for (const part of parts) {
    const spent = steps;
    const found = searchOrder(model, part, (tried) => spent + tried > maxSteps || late());
    steps += found.steps;
    if (found.verdict === "illegal") {
      const explanation = explain(model, part, found);
      return { verdict: "illegal", steps, parts: parts.length, explanation };
    }
    if (found.verdict === "unknown") verdict = "unknown";
  }
  return { verdict, steps, parts: parts.length, explanation: [] };
}

const linesShown = 12;

/** The longest order that fits, and what stands next in time and fits nowhere, or what nothing leads to after it. */
function explain<State, Input, Output>(
  model: Model<State, Input, Output>,
  part: readonly Operation<Input, Output>[],
  { order, ruledOut }: Pick<SearchResult, "order" | "ruledOut">,
): string[] {
  const line = (operation: Operation<Input, Output>) => {
    const until = operation.returnAt === Number.POSITIVE_INFINITY ? "unknown" : operation.returnAt;
    return `  [${operation.callAt}, ${until}] ${operation.clientId}: ${model.describe(operation.input, operation.output)}`;
  };
  const placed = new Set(order);
  const left = part
    .filter((operation, at) => !placed.has(at) && operation.returnAt !== Number.POSITIVE_INFINITY)
    .sort((one, other) => one.returnAt - other.returnAt);
  const shown = order.slice(-linesShown).map((at) => line(part[at]!));
  const hidden = order.length - shown.length;
  return [
    `no order of ${part.length} operations fits; the longest that does has ${order.length}:`,
    ...(hidden > 0 ? [`  (${hidden} before these)`] : []),
    ...shown,
    ...(ruledOut < 0
      ? ["then one of these must come, and none can:", ...left.slice(0, linesShown).map(line)]
      : ["then nothing that may come leads to this:", line(part[ruledOut]!)]),
  ];
}
