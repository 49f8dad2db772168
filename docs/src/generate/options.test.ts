import { beforeAll, expect, test } from "vitest";
import { nodeSpec } from "../../../packages/cluster/src/cli/commands.ts";
import { resolveNodeOptions } from "../../../packages/cluster/src/node/node-options.ts";
import { resolveServerOptions } from "../../../packages/cluster/src/server/server-options.ts";
import { defaultBounds } from "../../../packages/limiter/src/bounds.ts";
import { resolveGuardOptions } from "../../../packages/sdk-core/src/surface/guard-options.ts";
import type { Api } from "./api/read-api.ts";
import { flagsOfBounds, flagsOfNodeOptions, readOptionGroups } from "./option-groups.ts";
import { type OptionGroup, optionsPage, splitDefault } from "./options.ts";
import { sharedApi } from "./testing/shared-api.ts";

let api: Api;
let groups: readonly OptionGroup[];
beforeAll(async () => {
  api = await sharedApi();
  groups = readOptionGroups(api);
}, 120_000);

function group(title: string): OptionGroup {
  const found = groups.find((one) => one.title === title);
  if (found === undefined) throw new Error(`no group ${title}`);
  return found;
}

/** The documented default of a number: "1,000: long enough" is 1000, "64 MiB" is 67108864. */
function documentedNumber(title: string, option: string): number {
  const field = group(title).declaration.fields.find(({ name }) => name === option);
  if (field === undefined) throw new Error(`${title} has no option ${option}`);
  const [, digits = "", unit = ""] = /^([\d,]+)(?: (KiB|MiB))?/.exec(splitDefault(field).byDefault) ?? [];
  const scale = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20 }[unit] ?? Number.NaN;
  return Number(digits.replaceAll(",", "")) * scale;
}

test("every option of every group has a row with a default", () => {
  const { body } = optionsPage(groups, () => null);
  for (const { title, declaration } of groups) {
    const section = body.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
    expect(declaration.fields.length, title).toBeGreaterThan(0);
    for (const { name } of declaration.fields) {
      const rows = section?.split("\n").filter((line) => line.startsWith(`| \`${name}\`<br>`)) ?? [];
      expect(rows, `${title}: ${name}`).toHaveLength(1);
      expect(rows[0]?.split(/(?<!\\)\|/)[3]?.trim(), `default of ${name}`).not.toBe("");
    }
  }
});

test("the defaults of a guard that the comments state are those that it resolves to", () => {
  const resolved = resolveGuardOptions({}, "127.0.0.1:7400");
  for (const option of ["timeoutMs", "maxPendingCalls"] as const) {
    expect(documentedNumber("A guard", option), option).toBe(resolved[option]);
  }
  const text = (option: string) =>
    splitDefault(group("A guard").declaration.fields.find(({ name }) => name === option)!).byDefault;
  expect(text("routing")).toContain(resolved.routing);
  expect(text("onUnavailable")).toContain(resolved.onUnavailable);
});

test("the defaults of a node that the comments state are those that it resolves to", () => {
  const cluster = [{ nodeId: 1, host: "127.0.0.1", port: 7401 }];
  const server = resolveServerOptions({ nodeId: 1, cluster, dataFolder: "x" });
  for (const option of ["maxStreams", "maxConnections", "drainTimeoutMs"] as const) {
    expect(documentedNumber("A node", option), option).toBe(server[option]);
  }
  const founder = { nodeId: 1, grpcEndpoint: "", httpUrl: "", voter: true };
  const node = resolveNodeOptions({ nodeId: 1, founders: [founder] } as unknown as Parameters<
    typeof resolveNodeOptions
  >[0]);
  for (const option of ["tickMs", "heartbeatMs", "electionMs"] as const) {
    expect(documentedNumber("Timings of a node", option), option).toBe(node[option]);
  }
  const limits = ["maxEntryItems", "maxEntryBytes", "maxPendingItems", "snapshotLogBytes", "trailingEntries"] as const;
  for (const option of [...limits, "forwardTimeoutMs"] as const) {
    expect(documentedNumber("Local bounds of a node", option), option).toBe(node[option]);
  }
});

test("the replicated bounds that the comments state are those of a new cluster", () => {
  for (const [option, value] of Object.entries(defaultBounds)) {
    expect(documentedNumber("Replicated bounds of a node", option), option).toBe(value);
  }
});

test("every flag of a node stands beside its option, except what concerns the command alone", () => {
  const ofCommand = ["log-level", "stop-with-stdin", "json", "help"];
  const flags = nodeSpec.flags.map(({ name }) => name as string).filter((name) => !ofCommand.includes(name));
  const documented = [...Object.values(flagsOfNodeOptions), ...Object.values(flagsOfBounds)].flat();
  expect(documented.sort()).toEqual(flags.sort());
  const options = group("A node").declaration.fields.map(({ name }) => name);
  expect(Object.keys(flagsOfNodeOptions).filter((name) => !options.includes(name))).toEqual([]);
  expect(Object.keys(flagsOfBounds).filter((name) => !(name in defaultBounds))).toEqual([]);
});

test("a default is told apart from the rest of a comment", () => {
  const field = (comment: string, optional = true) => ({ name: "x", type: "number", optional, comment });
  expect(splitDefault(field("How long. Default 1,000: enough. Really."))).toEqual({
    meaning: "How long. Really.",
    byDefault: "1,000: enough",
  });
  expect(splitDefault(field("1 to 9; default 1."))).toEqual({ meaning: "1 to 9.", byDefault: "1" });
  expect(splitDefault(field("Where. Default 127.0.0.1:7400."))).toEqual({
    meaning: "Where.",
    byDefault: "127.0.0.1:7400",
  });
  expect(splitDefault(field("`a`: this (default). `b`: that."))).toEqual({
    meaning: "`a`: this. `b`: that.",
    byDefault: "`a`",
  });
  expect([splitDefault(field("X.")).byDefault, splitDefault(field("X.", false)).byDefault]).toEqual([
    "none",
    "required",
  ]);
  expect(splitDefault(field(""), "the guard's").byDefault).toBe("the guard's");
});
