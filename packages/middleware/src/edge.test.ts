import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

it("the core and the entries for the edge compile without Node's types", { timeout: 120_000 }, () => {
  const tsc = path.join(folder, "../../node_modules/typescript/bin/tsc");
  const flags = [tsc, "-p", path.join(folder, "tsconfig.edge.json"), "--pretty", "false"];
  const { stdout, status } = spawnSync(process.execPath, flags, { encoding: "utf8" });
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
});
