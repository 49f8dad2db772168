import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeVersions } from "./release.ts";

it("sources that name their version follow the package.json, and no other text does", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-release-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  };
  write("package.json", '{ "version": "0.2.0" }');
  write("src/deep/told.ts", 'const VERSION = "0.1.0";\nconst other = "0.1.0";\n');
  write("src/current.ts", 'const VERSION = "0.2.0";\n');
  write("src/format.ts", 'const FORMAT_VERSION = "0.1.0";\n');
  expect(writeVersions(folder)).toEqual([path.join("src", "deep", "told.ts")]);
  const read = (name: string) => fs.readFileSync(path.join(folder, name), "utf8");
  expect(read("src/deep/told.ts")).toBe('const VERSION = "0.2.0";\nconst other = "0.1.0";\n');
  expect(read("src/format.ts")).toBe('const FORMAT_VERSION = "0.1.0";\n');
});
