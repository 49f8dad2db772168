import ts from "typescript";
import { expect, test } from "vitest";
import { readConstant, readInterface, readLiterals, readObject } from "./declarations.ts";

function declaration(text: string): ts.Declaration {
  const [statement] = ts.createSourceFile("x.ts", text, ts.ScriptTarget.ESNext, true).statements;
  if (statement === undefined) throw new Error("there is no statement");
  const variable = ts.isVariableStatement(statement) ? statement.declarationList.declarations[0] : undefined;
  return variable ?? (statement as unknown as ts.Declaration);
}

test("fields of an interface, with their comments and without its methods", () => {
  const { comment, fields } = readInterface(
    declaration("/** All. */ interface A {\n /** One,\n * in ms. */ readonly x?: | 1\n | 2; y: string; z(): void }"),
  );
  expect(comment).toBe("All.");
  expect(fields).toEqual([
    { name: "x", optional: true, type: "| 1 | 2", comment: "One, in ms." },
    { name: "y", optional: false, type: "string", comment: "" },
  ]);
});

test("tags of a comment are no part of its text", () => {
  expect(readInterface(declaration("/** Text. @throws {Error} x */ interface A {}")).comment).toBe("Text.");
});

test("each string of a union has the comment before its bar", () => {
  const { fields } = readLiterals(declaration('type A =\n  /** One. */\n  | "a"\n  | "b"\n  /** Three. */\n  | "c";'));
  expect(fields.map(({ name, comment }) => [name, comment])).toEqual([
    ["a", "One."],
    ["b", ""],
    ["c", "Three."],
  ]);
});

test("a union of anything else is refused", () => {
  expect(() => readLiterals(declaration('type A = "a" | 1;'))).toThrow("A is not a union of strings");
});

test("an intersection gives the fields that are always there", () => {
  const { fields } = readObject(declaration("type A = { key: string } & ({ policy: string } | B);"));
  expect(fields.map(({ name }) => name)).toEqual(["key"]);
});

test("a constant's properties, through `as const satisfies`", () => {
  const { fields } = readConstant(
    declaration('const a = {\n/** Yes. */ x: "no", "y-z": "safe" } as const satisfies B;'),
  );
  expect(fields.map(({ name, type, comment }) => [name, type, comment])).toEqual([
    ["x", '"no"', "Yes."],
    ["y-z", '"safe"', ""],
  ]);
});
