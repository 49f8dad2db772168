import type { Page } from "./page.ts";

/** A test file of the repository, by its path from the root. */
export interface TestFile {
  readonly path: string;
  readonly text: string;
}

/** One test that keeps a known bug out. */
export interface BugTest {
  /** `B10`: its place in the list of known bugs. */
  readonly id: string;
  readonly promise: string;
  readonly path: string;
}

/** The parts of the list: a letter, what its bugs are about, and how many there are. */
export const bugGroups = [
  { letter: "A", title: "Elections", count: 15 },
  { letter: "B", title: "Replication and commit", count: 16 },
  { letter: "C", title: "Reads", count: 7 },
  { letter: "D", title: "Membership", count: 8 },
  { letter: "E", title: "Leadership transfer", count: 3 },
  { letter: "F", title: "Snapshots", count: 7 },
  { letter: "G", title: "Storage", count: 9 },
] as const;

const opening = /^\s*(?:describe|test|it)\b.*?\(\s*["`](.+?)["`],/;
const numbered = /["`]([A-G]\d{1,2}(?:, [A-G]\d{1,2})*): (.+?)["`]/;

/** The tests whose titles begin with a bug's id, or several, and a colon. What a `describe` around them says is the start of their sentence. */
export function readBugTests(files: readonly TestFile[]): readonly BugTest[] {
  return files.flatMap(({ path, text }) => {
    const around: { readonly indent: number; readonly title: string }[] = [];
    const found: BugTest[] = [];
    for (const line of text.split("\n")) {
      const indent = line.search(/\S/);
      const [, ids, promise] = numbered.exec(line) ?? [];
      const title = promise ?? opening.exec(line)?.[1];
      if (title === undefined) continue;
      while (around.length > 0 && around.at(-1)!.indent >= indent) around.pop();
      // The title of a table's rows stands deeper than the test, and is no part of a sentence.
      const isTitle = opening.test(line) || line.trim().startsWith('"');
      const sentence = isTitle ? [...around.map((one) => one.title), title].join(" ") : title;
      const shown = sentence.replaceAll(/%s|\$\w+|\$\{[^}]*\}/g, "…");
      for (const id of ids?.split(", ") ?? []) found.push({ id, promise: shown, path });
      if (/^\s*describe/.test(line)) around.push({ indent, title });
    }
    return found;
  });
}

/** `internals/known-bugs`: every bug of the list, the tests that keep it out, and what cannot occur where. */
export function knownBugsPage(tests: readonly BugTest[], elsewhere: string): Page {
  const sections = bugGroups.map(({ letter, title }) => {
    const rows = tests
      .filter(({ id }) => id.startsWith(letter))
      .toSorted(
        (one, other) => Number(one.id.slice(1)) - Number(other.id.slice(1)) || one.path.localeCompare(other.path),
      )
      .map(({ id, promise, path }) => `| ${id} | ${escapeCell(promise)} | \`${shortPath(path)}\` |`);
    return [`## ${title}`, "", "| bug | what holds here | test |", "| --- | --- | --- |", ...rows].join("\n");
  });
  const table = elsewhere.slice(elsewhere.indexOf("| item"));
  return {
    path: "internals/known-bugs",
    title: "Known bugs of others",
    description: "Bugs that real Raft systems had, and the test that keeps each of them out of this one.",
    order: 6,
    body: [
      "Other implementations of Raft have had bugs that are easy to write again. This is the list that QuorumGuard is held to: each is a",
      "test, whose title begins with the bug's number, or cannot occur in the core, and the last table says why. Paths are below `packages`.",
      "",
      sections.join("\n\n"),
      "",
      "## What cannot occur in the core",
      "",
      table,
    ].join("\n"),
  };
}

function shortPath(path: string): string {
  return path.replace(/^packages\//, "").replace("/src/", "/");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
