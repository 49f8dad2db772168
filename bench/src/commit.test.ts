import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { commitWords, readCommit } from "./commit.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "quorumguard-bench-commit-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const git = (...flags: readonly string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...flags], {
    cwd: folder,
    encoding: "utf8",
  });

test("a result names the commit, and whether the sources differed from it", async () => {
  git("init", "--quiet");
  writeFileSync(join(folder, "source"), "one");
  git("add", "source");
  git("commit", "--quiet", "--message", "first");
  const commit = git("rev-parse", "HEAD").slice(0, 8);
  expect(await readCommit(folder)).toEqual({ commit, dirty: false });

  mkdirSync(join(folder, "bench", "results"), { recursive: true });
  writeFileSync(join(folder, "bench", "results", "unique-keys.json"), "{}");
  expect(await readCommit(folder)).toEqual({ commit, dirty: false });

  writeFileSync(join(folder, "source"), "two");
  const changed = await readCommit(folder);
  expect(changed).toEqual({ commit, dirty: true });
  expect(commitWords(changed)).toBe(`${commit}, and changes that were not committed`);
});

test("below somebody else's repository, and without one, the commit is unknown", async () => {
  const unpacked = join(folder, "bench");
  expect(await readCommit(unpacked)).toEqual({ commit: "unknown", dirty: null });
  expect(commitWords(await readCommit(join(folder, "nowhere")))).toBe("unknown");
});
