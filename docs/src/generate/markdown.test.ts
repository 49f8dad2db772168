import { expect, test } from "vitest";
import { anchorOf, block, code, outsideCode, prose, table } from "./markdown.ts";

test("code spans hold backticks", () => {
  expect([code("a"), code("a`b"), code("``")]).toEqual(["`a`", "`` a`b ``", "``` `` ```"]);
});

test("flags, variables and addresses become code, and code stays as it is", () => {
  expect(prose("one of --cluster, else $QUORUMGUARD_ENDPOINTS or http://127.0.0.1:7402.")).toBe(
    "one of `--cluster`, else `$QUORUMGUARD_ENDPOINTS` or `http://127.0.0.1:7402`.",
  );
  expect(prose("`--cluster` and `a <b>`, but <b>")).toBe("`--cluster` and `a <b>`, but &lt;b>");
});

test("a link to a name without a page becomes code, and rules of the sources are left out", () => {
  expect(prose("See {@link Guard | the guard} (SEMANTICS D1).")).toBe("See `Guard`.");
});

test("text between code spans alone is changed", () => {
  expect(outsideCode("a `a` a ``a ` a`` a", (plain) => plain.replaceAll("a", "b"))).toBe("b `a` b ``a ` a`` b");
});

test("cells keep their bars and lose their line breaks; a column in which nobody says anything is left out", () => {
  expect(table(["A", "B", "C"], [["x | y", "", "1\n2"]])).toBe("| A | C |\n| --- | --- |\n| x \\| y | 1 2 |");
});

test("anchors are GitHub's", () => {
  expect(["guardErrorCodes", "On the wire", "Types: session"].map(anchorOf)).toEqual([
    "guarderrorcodes",
    "on-the-wire",
    "types-session",
  ]);
});

test("a block may hold a fence", () => {
  expect(block("md", "```sh\n```")).toBe("````md\n```sh\n```\n````");
});
