/**
 * `npm run test:storage`: the tests of power failures and of damaged bytes with far more states than `npm test` has time for: every subset
 * of up to 15 unflushed sectors and names, sixty days by chance, a flipped bit at every byte that was ever written. Takes no flags.
 */
import { inRepository } from "./repository.ts";
import { killCommandsAtTheEnd, runCommand } from "./run-command.ts";

const files = ["crash-states.test.ts", "damage.test.ts"].map((name) => `packages/cluster/src/storage/${name}`);
/** For what hangs. Milliseconds. */
const timeoutMs = 6 * 3_600_000;

killCommandsAtTheEnd();
const vitest = inRepository("node_modules", "vitest", "vitest.mjs");
const { failure } = await runCommand(process.execPath, [vitest, "run", "--project=cluster", ...files], {
  timeoutMs,
  environment: { QUORUMGUARD_THOROUGH: "1" },
});
if (failure !== null) {
  console.error(`test:storage: ${failure}`);
  process.exitCode = 1;
}
