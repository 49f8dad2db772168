import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(folder, "../../..");
const pages = path.resolve(folder, "../content/docs");

/** Pages written by hand; generated ones are checked by what generates them. */
const written = fs.globSync("{start,concepts,internals}/**/*.mdx", { cwd: pages }).sort();
const read = (page: string) => fs.readFileSync(path.join(pages, page), "utf8");

it("snippets compile strictly against the packages", { timeout: 120_000 }, () => {
  const flags = [path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder, "--noEmit", "--pretty", "false"];
  const { stdout, status } = spawnSync(process.execPath, flags, { cwd: root, encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});

it("pages hold no code but from files that are compiled", () => {
  for (const page of written) {
    const languages = [...read(page).matchAll(/^```(\w*)/gm)].map(([, language]) => language).filter(Boolean);
    for (const language of languages) expect(["sh", "text"], page).toContain(language);
  }
});

it("every snippet is on a page, and every page's snippet exists", () => {
  const shown = new Set(
    written.flatMap((page) => [...read(page).matchAll(/<Snippet file="([^"]+)"/g)].map(([, file]) => file!)),
  );
  for (const file of shown) {
    const at = file.startsWith("examples/") ? path.join(root, file) : path.join(folder, file);
    expect(fs.existsSync(at), file).toBe(true);
  }
  const files = fs.globSync("{start,concepts,internals}/**/*.*", { cwd: folder });
  expect(files.filter((file) => !shown.has(file) && !file.endsWith(".test.ts"))).toEqual([]);
});

it("commands that pages name exist", () => {
  const { scripts } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  for (const page of written)
    for (const [, name = ""] of read(page).matchAll(/npm run ([a-z][a-z-]*)/g))
      expect(Object.keys(scripts), page).toContain(name);
});
