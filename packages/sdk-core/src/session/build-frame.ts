import { encodeFrame, type FrameColumns, type WireRule } from "@quorumguard/proto";
import { type Call, itemsOf } from "../calls/call.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";

/** What the cluster is given for a call that nobody waits for any more. */
const ABANDONED_DEADLINE_MS = 1_000;

let lastMark = 0;

/** Columns of the frame being built. */
interface Columns {
  readonly mark: number;
  readonly rules: WireRule[];
  readonly keys: string[];
  readonly ruleIndexes: number[];
  readonly costs: number[];
  allCostOne: boolean;
}

/** Encodes consecutive calls as one frame. They are first attempts only if none was ever sent. */
export function buildFrame(calls: readonly Call[], ackedThrough: number, nowMs: number): Uint8Array {
  lastMark += 1;
  const columns: Columns = { mark: lastMark, rules: [], keys: [], ruleIndexes: [], costs: [], allCostOne: true };
  const sizes: number[] = [];
  let firstAttempt = true;
  let allSingle = true;
  let allTakes = true;
  let latestDeadlineMs = 0;
  for (const call of calls) {
    if (call.sends > 0) firstAttempt = false;
    const deadlineMs = call.abandoned ? nowMs + ABANDONED_DEADLINE_MS : call.deadlineMs;
    if (deadlineMs > latestDeadlineMs) latestDeadlineMs = deadlineMs;
    sizes.push(itemsOf(call));
    if (call.verb !== 0) allTakes = false;
    if (call.group === null) {
      addItem(columns, call.key, call.rule, call.cost);
      continue;
    }
    allSingle = false;
    for (const item of call.group) addItem(columns, item.key, item.rule, item.cost);
  }
  return encodeFrame({
    firstNumber: calls[0]!.number,
    ackedThrough,
    firstAttempt,
    // One deadline per frame: the latest, so that no call is dropped before its own.
    deadlineMs: Math.max(1, Math.ceil(latestDeadlineMs - nowMs)),
    rules: columns.rules,
    keys: columns.keys,
    ruleIndexes: columns.rules.length === 1 ? null : columns.ruleIndexes,
    costs: columns.allCostOne ? null : columns.costs,
    sizes: allSingle ? null : sizes,
    ...(allTakes ? onlyTakes : verbColumns(calls)),
  });
}

type VerbColumns = Pick<FrameColumns, "verbs" | "ttlsMs" | "handles">;

const onlyTakes: VerbColumns = { verbs: null, ttlsMs: null, handles: null };

function verbColumns(calls: readonly Call[]): VerbColumns {
  const verbs = calls.map((call) => call.verb);
  const ttlsMs = calls.flatMap((call) => new Array<number>(itemsOf(call)).fill(call.ttlMs));
  const handles = calls.flatMap((call) => new Array<number>(itemsOf(call)).fill(call.handle));
  return { verbs, ttlsMs, handles };
}

function addItem(columns: Columns, key: string, rule: ResolvedRule, cost: number): void {
  if (rule.frameMark !== columns.mark) {
    rule.frameMark = columns.mark;
    rule.frameIndex = columns.rules.length;
    columns.rules.push(rule);
  }
  columns.keys.push(key);
  columns.ruleIndexes.push(rule.frameIndex);
  columns.costs.push(cost);
  if (cost !== 1) columns.allCostOne = false;
}
