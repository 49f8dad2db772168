import ts from "typescript";
import { expect, test } from "vitest";
import { bracedText, declarationText, wrapSignature } from "./declaration-text.ts";

function first(text: string): ts.Node {
  const node = ts.createSourceFile("x.ts", text, ts.ScriptTarget.ESNext, true).statements[0];
  if (node === undefined) throw new Error("there is no statement");
  return node;
}

test("comments, `export` and bodies are left out", () => {
  const text = "/** Doc. */\nexport function a(\n  /** In. */\n  x: number, // more\n): void {\n  // inside\n  b();\n}";
  expect(declarationText(first(text))).toBe("function a(\n  x: number,\n): void;");
});

test("comments stay where they are wanted", () => {
  expect(declarationText(first('type A =\n  /** One. */\n  | "a";'), { comments: true })).toBe(
    'type A =\n  /** One. */\n  | "a";',
  );
});

test("a backtick type with comments around it comes through whole", () => {
  const text = "interface A {\n  /** Doc. */\n  x: `" + "$" + "{number}ms`;\n  /** Doc. */\n  y: string;\n}";
  expect(declarationText(first(text))).toBe("interface A {\n  x: `" + "$" + "{number}ms`;\n  y: string;\n}");
});

test("a member is shown without its indentation", () => {
  const node = first("interface A {\n    x(\n      y: number,\n    ): void;\n}") as ts.InterfaceDeclaration;
  expect(declarationText(node.members[0]!)).toBe("x(\n  y: number,\n): void;");
});

test("a long signature has a parameter per line, and commas inside types do not break it", () => {
  const long =
    'allow(key: Map<string, number>, then: (a: string, b: () => void) => Pick<Rule, "algorithm" | "burst">): void;';
  expect(wrapSignature(long)).toBe(
    'allow(\n  key: Map<string, number>,\n  then: (a: string, b: () => void) => Pick<Rule, "algorithm" | "burst">,\n): void;',
  );
  expect(wrapSignature("short(a: 1, b: 2): void;")).toBe("short(a: 1, b: 2): void;");
});

test("members stand in braces", () => {
  expect([bracedText("interface A", []), bracedText("interface A", ["x: 1;"])]).toEqual([
    "interface A {}",
    "interface A {\n  x: 1;\n}",
  ]);
});
