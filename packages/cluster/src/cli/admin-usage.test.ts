import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { banLiftCommand, banListCommand, explainCommand, topCommand } from "./key-commands.ts";
import {
  policyDeleteCommand,
  policyDiffCommand,
  policyGetCommand,
  policyPutCommand,
  policyRollbackCommand,
} from "./policy-commands.ts";

const folder = mkdtempSync(join(tmpdir(), "quorumguard-usage-"));
const file = join(folder, "policies.yaml");
writeFileSync(file, "namespace: shop\nmaxKeys: 5\n");
afterAll(() => rmSync(folder, { recursive: true }));

type Command = (args: readonly string[]) => Promise<number>;
const wrong: readonly (readonly [string, Command, readonly string[]])[] = [
  ["give FILE, such as quorumguard policy put policies.yaml", policyPutCommand, []],
  ["give FILE, such as quorumguard policy diff policies.yaml", policyDiffCommand, ["a", "b"]],
  ['FILE is "nowhere.yaml": it cannot be read (ENOENT', policyPutCommand, ["nowhere.yaml"]],
  [
    '--namespace is "other" and the file\'s is "shop": leave one of them out',
    policyPutCommand,
    [file, "--namespace", "other"],
  ],
  ["namespace is ", policyGetCommand, ["--namespace", "n".repeat(129)]],
  ["namespace is ", policyPutCommand, [file, "--namespace", "n".repeat(129)]],
  ['--expect is "-1"', policyPutCommand, [file, "--expect=-1"]],
  ["--endpoints is empty", policyGetCommand, ["--endpoints", ","]],
  ["give VERSION, such as quorumguard policy rollback 6", policyRollbackCommand, []],
  ['VERSION is "six": it must be a version', policyRollbackCommand, ["six"]],
  ['VERSION is "9007199254740993"', policyRollbackCommand, ["9007199254740993"]],
  ["give NAME, such as quorumguard policy delete login", policyDeleteCommand, []],
  ['--limit is "1001": it must be a whole number from 1 to 1000', banListCommand, ["--limit", "1001"]],
  ["--policy is missing", banLiftCommand, ["user:1"]],
  ["KEY is ", banLiftCommand, ["", "--policy", "login"]],
  ["give --policy, or --limit and --window", explainCommand, ["user:1"]],
  ["--limit and --window belong together", explainCommand, ["user:1", "--limit", "5"]],
  ['--window is "1y": write a number with its unit', explainCommand, ["user:1", "--limit", "5", "--window", "1y"]],
  ['--algorithm is "leaky"', explainCommand, ["user:1", "--limit", "5", "--window", "1m", "--algorithm", "leaky"]],
  ['--by is "cost": it must be one of denials, load', topCommand, ["--by", "cost"]],
];

describe("wrong usage is told before anybody is asked", () => {
  it.each(wrong)("%s", async (message, command, args) => {
    await expect(command(args)).rejects.toThrow(message);
  });
});
