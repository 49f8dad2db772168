import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { findByTests, runTests } from "./find-by-tests.ts";

const timeoutMs = 60_000;
const folder = mkdtempSync(join(tmpdir(), "quorumguard-gate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
symlinkSync(fileURLToPath(new URL("../../../../node_modules", import.meta.url)), join(folder, "node_modules"), "dir");
mkdirSync(join(folder, "packages"));

/** A file with one test of this body. */
function write(name: string, body: string): void {
  const imports = `import { expect, test } from "vitest";`;
  writeFileSync(join(folder, "packages", name), `${imports}\ntest("${name}", () => {\n${body}\n});\n`);
}
write("keeps.test.ts", "expect(1).toBe(1);");
write("breaks.test.ts", "expect(2).toBe(1);");
write("crashes.test.ts", "(null as unknown as { x(): void }).x();");
writeFileSync(join(folder, "packages", "does-not-load.test.ts"), "import './nowhere.ts';\n");

test("a broken promise is told from a crash, and from a file that does not load", { timeout: timeoutMs }, async () => {
  const files = ["keeps", "breaks", "crashes", "does-not-load", "is-not-there"].map((name) => `${name}.test.ts`);
  const { failed, unsound } = await runTests(folder, files, { bail: false, workers: 1, timeoutMs });
  expect(failed.map((one) => one.test)).toEqual(["breaks.test.ts: breaks.test.ts"]);
  const said = unsound.map((reason) => reason.split(":")[0]).sort();
  expect(said).toEqual(["crashes.test.ts", "does-not-load.test.ts", "is-not-there.test.ts"]);
});

test("a mutant is found by a broken promise alone", { timeout: timeoutMs }, async () => {
  const found = await findByTests(folder, ["keeps.test.ts", "breaks.test.ts"], timeoutMs);
  expect(found.finding).toMatchObject({ by: "tests", test: "breaks.test.ts: breaks.test.ts" });
  const crashed = await findByTests(folder, ["keeps.test.ts", "crashes.test.ts"], timeoutMs);
  expect(crashed).toMatchObject({ finding: null, why: expect.stringContaining("TypeError") });
});
