import { expect, it } from "vitest";
import { runCell } from "./cell.ts";
import { processCell, runToEnd } from "./process-cell.ts";

const patienceMs = 300_000;
const run = (script: string, waitMs = patienceMs) => runToEnd(process.execPath, ["-e", script], waitMs);
const report = { runtime: "node", cases: 2, passed: 2, failed: 0, skipped: 0 };
const print = (value: object) => `console.log(${JSON.stringify(JSON.stringify(value))});`;

it("a report is found among what else a runtime writes, also before the status of a failed case", async () => {
  expect(await run(`console.log("{ a warning");${print(report)}console.log("}")`)).toEqual(report);
  const failed = { ...report, passed: 1, failed: 1 };
  expect(await run(`${print(failed)}process.exitCode = 1`)).toEqual(failed);
});

it("a process that ends otherwise than its report says, or without one, is told of with what it wrote", async () => {
  await expect(run("console.error('no such flag'); process.exit(9)")).rejects.toThrow(
    /^exit status 9, without a report; it wrote:\nno such flag/,
  );
  await expect(run(`${print(report)}process.exitCode = 1`)).rejects.toThrow(/^exit status 1, though its report says/);
  await expect(run("process.kill(process.pid, 'SIGABRT')")).rejects.toThrow(/^SIGABRT ended it, without a report/);
  await expect(run("setInterval(() => {}, 1000)", 300)).rejects.toThrow(/^it did not end by itself within 300 ms/);
});

it("a runtime that is not there is a failure of its cell, with the reason", async () => {
  const result = await runCell(processCell("sdk-node", "bun", "/no/such/bun", []));
  expect(result).toMatchObject({ sdk: "sdk-node", runtime: "bun", cases: 0, failed: 1 });
  expect(result.failures).toEqual([{ name: "the runtime itself", message: expect.stringContaining("/no/such/bun") }]);
});
