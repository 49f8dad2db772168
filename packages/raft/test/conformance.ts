/**
 * Runs the scripts under the folder given: `interaction`, `confchange` and `quorum`. Prints each difference; exits 1 if there is one.
 * Usage: node packages/raft/test/conformance.ts FOLDER [name]
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInteractionRunner } from "../src/testing/interaction-commands.ts";
import { createConfChangeRunner, runQuorumDirective } from "../src/testing/pure-scripts.ts";
import { type Directive, readScript, withoutLogLines } from "../src/testing/script-reader.ts";

const suites: Record<string, () => (directive: Directive) => string> = {
  quorum: () => runQuorumDirective,
  confchange: createConfChangeRunner,
  interaction: createInteractionRunner,
};

const [folder, only] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: conformance.ts FOLDER [name]");
let directives = 0;
let failures = 0;
for (const [suite, createRunner] of Object.entries(suites)) {
  for (const file of readdirSync(join(folder, suite)).sort()) {
    if (only !== undefined && !file.includes(only)) continue;
    const run = createRunner();
    for (const directive of readScript(readFileSync(join(folder, suite, file), "utf8"))) {
      directives++;
      let actual: string;
      try {
        actual = withoutLogLines(run(directive));
      } catch (error) {
        actual = (error as Error).stack ?? String(error);
      }
      const expected = withoutLogLines(directive.expected);
      if (actual === expected) continue;
      failures++;
      console.log(
        `${suite}/${file}:${directive.line} ${directive.command}\n--- expected\n${expected}\n--- actual\n${actual}\n`,
      );
      break;
    }
  }
}
console.log(`${directives} commands, ${failures} scripts differ`);
process.exitCode = failures > 0 ? 1 : 0;
