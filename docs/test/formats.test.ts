import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const page = fs.readFileSync(path.join(root, "docs/decisions/formats.md"), "utf8");
const rows = [...page.matchAll(/^\| [^|]+ \| (\d+) +\| `(\w+)`, `([^`]+)` +\|/gm)];

test("the page about formats has a row for each", () => {
  expect(rows).toHaveLength(7);
});

test.each(rows.map(([, version, name, file]) => ({ version, name, file: file! })))(
  "$name in $file has the version that the page names",
  ({ version, name, file }) => {
    const source = fs.readFileSync(path.join(root, file), "utf8");
    expect(new RegExp(`^(?:export )?const ${name} = (\\d+);`, "m").exec(source)?.[1]).toBe(version);
  },
);

test("the refusal of a hello is quoted with today's version", () => {
  const today = Number(rows.find(([, , name]) => name === "peerVersion")?.[1]);
  expect(page).toContain(`\`peer format ${today + 1}, this node speaks ${today}\``);
});
