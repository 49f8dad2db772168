import { expect, test } from "vitest";
import { nameFault } from "./endpoint-fault.ts";

test.each([
  ["ENOTFOUND", "quorumguard.internal:7400", "the name quorumguard.internal has no address (ENOTFOUND)"],
  ["EAI_AGAIN", "node-1:7400", "no name server answers for the name node-1 (EAI_AGAIN)"],
  ["ECONNREFUSED", "node-1:7400", null],
])("%s of %s is told by the name, where it is about one", (code, hostPort, text) => {
  expect(nameFault(code, hostPort)).toBe(text);
});
