import { algorithmNumber } from "@quorumguard/limiter";
import { checkKey } from "../server/check-text.ts";
import { askOptions, changeOptions, columns, helped, namespaceOf, operandOf, printLine } from "./asking-flags.ts";
import { type ParsedFlags, parseFlags } from "./flags.ts";
import { banLiftSpec, banListSpec, explainSpec, topSpec } from "./key-specs.ts";
import { changed } from "./policy-commands.ts";
import { durationText, objectYaml } from "./policy-text.ts";
import { UsageError } from "./usage-error.ts";
import { windowHint } from "./window-hint.ts";

/** Loaded only when it is needed: help and mistakes do not wait for it. */
const client = () => import("./admin-client.ts");

/** Shows bans; resolves with the exit status. */
export async function banListCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, banListSpec);
  if (helped(flags, banListSpec)) return 0;
  const namespace = namespaceOf(flags);
  const request = { namespace, policy: flags.text("policy") ?? "", limit: flags.whole("limit") };
  const { askCluster, adminMethods } = await client();
  const { bans, total } = await askCluster(askOptions(flags), adminMethods.listBans, request);
  const plain = bans.map(({ policy, key, endsAfterMs, strikes }) => ({
    policy,
    key,
    endsAfterMs: Number(endsAfterMs),
    strikes,
  }));
  if (flags.has("json")) {
    printLine(JSON.stringify({ namespace, bans: plain, total }));
  } else if (plain.length === 0) {
    printLine("no key is banned");
  } else {
    const rows = plain.map(({ policy, key, endsAfterMs, strikes }) => [
      policy,
      key,
      durationText(Math.ceil(endsAfterMs / 1_000) * 1_000),
      `${strikes}`,
    ]);
    printLine(columns([["policy", "key", "ends in", "ban no."], ...rows]));
    if (total > plain.length) printLine(`${total - plain.length} more: raise --limit`);
  }
  return 0;
}

/** Ends a ban; resolves with the exit status. */
export async function banLiftCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, banLiftSpec);
  if (helped(flags, banLiftSpec)) return 0;
  const key = operandOf(flags.operands, banLiftSpec);
  checkKey(key, "KEY");
  const namespace = namespaceOf(flags);
  const request = { namespace, policy: flags.text("policy"), key, options: changeOptions(flags) };
  const { askCluster, adminMethods } = await client();
  const { result } = await askCluster(askOptions(flags), adminMethods.liftBan, request);
  return changed(flags, namespace, result);
}

/** Tells why a key is decided as it is; resolves with the exit status. */
export async function explainCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, explainSpec);
  if (helped(flags, explainSpec)) return 0;
  const key = operandOf(flags.operands, explainSpec);
  checkKey(key, "KEY");
  const request = { namespace: namespaceOf(flags), key, rule: ruleOf(flags) };
  const { askCluster, adminMethods } = await client();
  const { explanation = {} } = await askCluster(askOptions(flags), adminMethods.explain, request);
  if (flags.has("json")) printLine(JSON.stringify(explanation));
  else process.stdout.write(objectYaml(explanation));
  return 0;
}

/** Shows the heaviest keys; resolves with the exit status. */
export async function topCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, topSpec);
  if (helped(flags, topSpec)) return 0;
  const namespace = flags.text("namespace");
  const { askCluster, adminMethods, TopKeysBy } = await client();
  const by = flags.choice("by");
  const request = {
    by: by === "load" ? TopKeysBy.LOAD : TopKeysBy.DENIALS,
    limit: flags.whole("limit"),
    ...(namespace === undefined ? {} : { namespace: namespaceOf(flags) }),
  };
  const { keys, overMs, nodeId } = await askCluster(askOptions(flags), adminMethods.listTopKeys, request);
  const plain = keys.map((top) => ({
    namespace: top.namespace,
    policy: top.policy,
    key: top.key,
    count: Number(top.count),
    overcount: Number(top.overcount),
    undercount: Number(top.undercount),
  }));
  if (flags.has("json")) {
    printLine(JSON.stringify({ by, overMs: Number(overMs), nodeId: Number(nodeId), keys: plain }));
    return 0;
  }
  const what = by === "load" ? "decisions" : "denials";
  if (plain.length === 0) {
    printLine(`no ${what} in the last ${durationText(Math.ceil(Number(overMs) / 1_000) * 1_000)}`);
    return 0;
  }
  const rows = plain.map(({ namespace: of, policy, key, count, overcount, undercount }) => [
    `${count}`,
    `${overcount}`,
    `${undercount}`,
    of,
    policy === "" ? "–" : policy,
    key,
  ]);
  printLine(columns([[what, "over", "under", "namespace", "policy", "key"], ...rows]));
  return 0;
}

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function ruleOf(flags: ParsedFlags<typeof explainSpec>) {
  const policy = flags.text("policy") ?? "";
  const limit = flags.whole("limit");
  const window = flags.text("window");
  if ((limit === undefined) !== (window === undefined)) throw new UsageError("--limit and --window belong together");
  if (limit === undefined || window === undefined) {
    if (policy === "") throw new UsageError("give --policy, or --limit and --window; see quorumguard explain --help");
    return { policy };
  }
  const [, number, unit] = /^(\d{1,11})(ms|s|m|h|d)$/.exec(window) ?? [];
  if (number === undefined || unit === undefined) {
    throw new UsageError(`--window is ${JSON.stringify(window)}: ${windowHint(window)}`);
  }
  return {
    policy,
    limit,
    windowUs: BigInt(Number(number) * unitsMs[unit as keyof typeof unitsMs]) * 1_000n,
    algorithm: algorithmNumber(flags.choice("algorithm")),
    burst: flags.whole("burst") ?? 0,
  };
}
