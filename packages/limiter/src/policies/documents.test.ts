import { expect, test } from "vitest";
import { Algorithm } from "../rule.ts";
import { algorithmNames, algorithmNumber } from "./documents.ts";

test("a name's place in the table is its number in the log", () => {
  const camelCase = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const numbers = Object.fromEntries(algorithmNames.map((name) => [camelCase(name), algorithmNumber(name)]));
  expect(numbers).toEqual(Algorithm);
});
