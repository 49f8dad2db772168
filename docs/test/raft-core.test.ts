import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const raft = path.join(root, "packages/raft/src");
const page = fs.readFileSync(path.join(root, "docs/src/content/docs/internals/raft-core.mdx"), "utf8");

/** Chapters of the thesis about what a server does: everything in them has a place, here or elsewhere. */
const sections = [
  ...["§3.1", "§3.2", "§3.3", "§3.4", "§3.5", "§3.6.1", "§3.6.2", "§3.6.3", "§3.7", "§3.8", "§3.9", "§3.10", "§3.11"],
  ...["§4.1", "§4.2.1", "§4.2.2", "§4.2.3", "§4.2.4", "§4.3", "§4.4", "§4.5"],
  ...["§6.1", "§6.2", "§6.3", "§6.4", "§6.4.1", "§6.5"],
];

/** The rows of the first table below a heading, as cells. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const part = page.split(/^##+ /m).find((one) => one.startsWith(heading)) ?? "";
  const rows = part.split("\n").filter((line) => /^\| (?!thesis|rule|---)/.test(line));
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** `R06–R08, R67` as numbers. */
function numbersOf(cell: string): readonly number[] {
  return [...cell.matchAll(/R(\d+)(?:–R(\d+))?/g)].flatMap(([, from, to = from]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i),
  );
}

/** What a file holds for the page: each function by its name, or nothing in particular. */
function placesOf(cell: string) {
  return [...cell.matchAll(/`([\w/-]+\.ts)`(?: \(([^)]*)\))?/g)].map(([, file, names = ""]) => ({
    file: file!,
    names: [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  }));
}

/** Whether a source declares it, as a function or as a method, rather than only to call it. */
function declares(source: string, name: string): boolean {
  return new RegExp(`^(?:export )?function ${name}\\(|^  ${name}\\(.*\\{$|^  ${name}\\($`, "m").test(source);
}

const rules = tableBelow("Where each rule lives").map(([section, rule, where, tests]) => ({
  section: section!,
  rule: rule!,
  places: placesOf(where!),
  numbers: numbersOf(tests!),
}));
const elsewhere = tableBelow("What the core leaves to others").flatMap(([named]) => named!.split(", "));

/** Titles of the numbered tests, by number. */
const titles = new Map(
  ["paper.test.ts", "paper-membership.test.ts", "paper-practice.test.ts"].flatMap((file) => {
    const text = fs.readFileSync(path.join(raft, file), "utf8");
    return [...text.matchAll(/^test\("R(\d+) (.+)", /gm)].map(([, number, title]) => [Number(number), title!] as const);
  }),
);

/** Whether it cites the section, and not one whose number only begins alike. */
const cites = (text: string, section: string) => new RegExp(`${section.replaceAll(".", "\\.")}(?![.\\d])`).test(text);

const sources = fs
  .readdirSync(raft, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));

describe("the table of rules", () => {
  test("is there", () => expect(rules.length).toBeGreaterThan(40));

  test.each(rules)("$section: $rule", ({ section, places, numbers }) => {
    expect(places.length).toBeGreaterThan(0);
    for (const { file, names } of places) {
      const source = fs.readFileSync(path.join(raft, file), "utf8");
      expect(names.length, `functions of ${file}`).toBeGreaterThan(0);
      expect(names.filter((name) => !declares(source, name))).toEqual([]);
    }
    expect(numbers.length).toBeGreaterThan(0);
    for (const number of numbers) expect(cites(titles.get(number) ?? "", section), `R${number}`).toBe(true);
  });

  test("has every section of the chapters on consensus, membership and clients, or says where it is instead", () => {
    const placed = [...rules.map(({ section }) => section), ...elsewhere];
    expect(sections.filter((section) => !placed.includes(section))).toEqual([]);
  });

  test("has every section that the code or a numbered test cites", () => {
    const texts = [...sources.map((file) => fs.readFileSync(path.join(raft, file), "utf8")), ...titles.values()];
    const cited = texts.flatMap((text) => text.match(/§\d+(?:\.\d+)+/g) ?? []);
    const placed = rules.map(({ section }) => section);
    expect([...new Set(cited)].filter((section) => !placed.includes(section))).toEqual([]);
  });

  test("has every numbered test, in a row or in the words below it", () => {
    const named = new Set(numbersOf(page.slice(page.indexOf("## Where each rule lives"))));
    expect([...titles.keys()].filter((number) => !named.has(number))).toEqual([]);
  });

  test("has every file of the protocol", () => {
    const protocol = sources.filter((file) => /^(core|log|tracker|quorum|confchange)\//.test(file));
    // What a rule is told in, or told about: forms and stores, no rules.
    const forms = ["core/storage.ts", "log/entries.ts", "log/memory-storage.ts", "confchange/codec.ts"];
    expect(protocol.filter((file) => !forms.includes(file) && !page.includes(`\`${file}\``))).toEqual([]);
  });
});

describe("the rules beyond the thesis", () => {
  const beyond = tableBelow("Beyond the thesis");

  test("are there", () => expect(beyond.length).toBeGreaterThan(3));

  test.each(beyond)("%s", (_rule, where, tests) => {
    const places = placesOf(where!);
    expect(places.length).toBeGreaterThan(0);
    for (const { file, names } of places) {
      const source = fs.readFileSync(path.join(raft, file), "utf8");
      expect(names.filter((name) => !declares(source, name))).toEqual([]);
    }
    const files = [...tests!.matchAll(/`([\w/.-]+\.test\.ts)`/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !fs.existsSync(path.join(raft, file)))).toEqual([]);
  });
});

test("every file and function that the page names elsewhere is there", () => {
  const named = [...page.matchAll(/`((?:core|log|tracker|quorum|confchange)\/[\w-]+\.ts)`/g)].map(([, file]) => file!);
  expect(named.length).toBeGreaterThan(60);
  for (const file of named) expect(fs.existsSync(path.join(raft, file)), file).toBe(true);
  const inside = [...page.matchAll(/`(\w+)`\)? in `([\w/-]+\.ts)`/g)];
  expect(inside.length).toBeGreaterThan(2);
  for (const [, name, file] of inside) {
    expect(declares(fs.readFileSync(path.join(raft, file!), "utf8"), name!), `${name} in ${file}`).toBe(true);
  }
});

test("every file that the page on driving the core names is there", () => {
  const consensus = fs.readFileSync(path.join(root, "docs/src/content/docs/internals/consensus.mdx"), "utf8");
  const named = [...consensus.matchAll(/`(packages\/[\w/-]+\.ts)`/g)].map(([, file]) => file!);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((file) => !fs.existsSync(path.join(root, file)))).toEqual([]);
  const table = consensus.slice(consensus.indexOf("## Where it lives"));
  const rows = [...table.matchAll(/`([\w.-]+\.ts)`/g)].map(([, file]) => `packages/cluster/src/node/${file}`);
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((file) => !fs.existsSync(path.join(root, file)))).toEqual([]);
});
