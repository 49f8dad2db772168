import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(folder, "../../..");
const pages = path.resolve(folder, "../content/docs");

/** Pages written by hand; generated ones are checked by what generates them. */
const written = fs.globSync("{start,concepts,operate,internals}/**/*.mdx", { cwd: pages }).sort();
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
    for (const language of languages) expect(["sh", "text", "yaml", "nginx"], page).toContain(language);
  }
});

it("every snippet is on a page, and every page's snippet exists", () => {
  const shown = new Set(
    written.flatMap((page) => [...read(page).matchAll(/<Snippet file="([^"]+)"/g)].map(([, file]) => file!)),
  );
  for (const file of shown) {
    const at = /^(examples|deploy)\//.test(file) ? path.join(root, file) : path.join(folder, file);
    expect(fs.existsSync(at), file).toBe(true);
  }
  const files = fs.globSync("{start,concepts,operate,internals}/**/*.*", { cwd: folder });
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

it("every field of a file of policies is named on the pages of policies and abuse", () => {
  const pages = ["policies", "abuse"].map((name) => read(`operate/${name}.mdx`)).join("\n");
  const fields = new Set<string>();
  JSON.parse(fs.readFileSync(path.join(root, "docs/public/policies.schema.json"), "utf8"), (key, value) => {
    if (key === "properties") for (const name of Object.keys(value)) fields.add(name);
    return value;
  });
  expect(fields.size).toBeGreaterThan(20);
  // The same in milliseconds, for programs; and the editor's own.
  const named = [...fields].filter((name) => !name.endsWith("Ms") && name !== "$schema");
  expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(pages))).toEqual([]);
});

it("files of policies on pages are what the command takes, and what the published schema says", async () => {
  const { readPolicyFile } = await import("../../../packages/cluster/src/server/policy-files/read-policy-file.ts");
  for (const file of fs.globSync("operate/*.yaml", { cwd: folder })) {
    expect(() => readPolicyFile(fs.readFileSync(path.join(folder, file), "utf8"), file)).not.toThrow();
  }
  for (const page of written) {
    for (const [, block = ""] of read(page).matchAll(/^```yaml\n(.*?)^```/gms)) {
      expect(() => readPolicyFile(block, page)).not.toThrow();
    }
  }
  const schema = (file: string) => fs.readFileSync(path.join(root, file), "utf8");
  // The site's is a copy, so that editors find it under an address: cp packages/cluster/policies.schema.json docs/public/
  expect(schema("docs/public/policies.schema.json")).toBe(schema("packages/cluster/policies.schema.json"));
});
