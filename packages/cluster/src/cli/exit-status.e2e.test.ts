import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const command = fileURLToPath(new URL("./main.ts", import.meta.url));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=quorumguard-source", command, ...args],
    { encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

test("wrong usage ends with 2, whether the command notices it or the SDK, and says what to write", () => {
  expect(run("allow", "a", "five", "1m")).toMatchObject({ status: 2, stdout: "" });
  const window = run("allow", "a", "5", "0s", "--json");
  expect(window.status).toBe(2);
  expect(window.stderr).toContain('it must be from "1ms" to "400d"');
  expect(JSON.parse(window.stdout).error.code).toBe("invalid_argument");
});

test("no answer ends with 1, and with JSON for who asked for it", () => {
  const nobody = run("allow", "a", "5", "1m", "--endpoints", "127.0.0.1:1", "--timeout", "200", "--json");
  expect(nobody.status).toBe(1);
  expect(JSON.parse(nobody.stdout).error).toMatchObject({ code: "unavailable" });
});
