import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runScript } from "../src/testing/run-script.ts";

const folder = join(import.meta.dirname, "..", "scripts");

// Each of the project's own scripts is named for the promise that it pins; `npm run conformance:raft -- packages/raft/scripts` prints differences.
for (const name of readdirSync(folder).filter((file) => file.endsWith(".txt"))) {
  test(name.replace(".txt", "").replaceAll("_", " "), () => {
    expect(runScript(readFileSync(join(folder, name), "utf8")).differences).toEqual([]);
  });
}
