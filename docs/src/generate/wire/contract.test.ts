import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { repositoryRoot } from "../repository.ts";
import { readWireContract, type WireContract } from "./contract.ts";
import { firstCall, readWireFacts } from "./wire-facts.ts";
import { wirePage } from "./wire-page.ts";

let contract: WireContract;
let body: string;
beforeAll(async () => {
  contract = await readWireContract();
  body = wirePage(contract, readWireFacts()).body;
}, 120_000);

/** The .proto files as text, read without buf. */
const folder = `${repositoryRoot}/packages/proto/proto/quorumguard/v1`;
const sources = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8"));

function named(pattern: RegExp): string[] {
  return sources.flatMap((text) => [...text.matchAll(pattern)].map(([, name = ""]) => name)).sort();
}

test("every message and enum of the sources has one section", () => {
  const wanted = named(/^(?:message|enum) (\w+)/gm);
  expect(wanted.length).toBeGreaterThan(30);
  const methods = new Set(named(/^\s*rpc (\w+)/gm));
  const headings = [...body.matchAll(/^### (\w+)$/gm)].map(([, name = ""]) => name);
  expect(headings.filter((name) => !methods.has(name)).sort()).toEqual(wanted.filter((name) => !methods.has(name)));
});

test("every method has its path", () => {
  for (const method of named(/^\s*rpc (\w+)/gm))
    expect(body).toMatch(new RegExp(`/quorumguard\\.v1\\.\\w+/${method}\``));
});

test("every field has a row with its number, its type and its comment", () => {
  const rule = contract.files.flatMap(({ types }) => types).find(({ name }) => name === "Rule");
  expect(rule?.fields.map(({ name, number, type }) => `${type} ${name} = ${number}`)).toEqual([
    "uint32 limit = 1",
    "uint64 window_us = 2",
    "Algorithm algorithm = 3",
    "uint32 burst = 4",
    "string policy = 5",
  ]);
  expect(rule?.reserved).toEqual(["6 to 15"]);
  expect(body).toContain("| `limit` | 1 | `uint32` | Admissions per window: 0 (always denied) to 2^31-1. |");
  for (const { fields } of contract.files.flatMap(({ types }) => types)) {
    for (const { name, number } of fields) expect(body).toContain(`| \`${name}\` | ${number} |`);
  }
});

test("optional, repeated and alternative fields are told apart", () => {
  const label = (message: string, field: string) =>
    contract.files
      .flatMap(({ types }) => types)
      .find(({ name }) => name === message)
      ?.fields.find(({ name }) => name === field)?.label;
  expect(label("Decision", "retry_after_ms")).toBe("optional");
  expect(label("Decision", "outcome")).toBe("");
  expect(label("Call", "checks")).toBe("repeated");
  expect(label("SessionRequest", "frame")).toBe("oneof");
});

test("comments on enum values are found, and a wrong name is a mistake", () => {
  expect(contract.enumValueComment("quorumguard.v1.Outcome", "OUTCOME_LIMITED")).toBe("Denied: the limit is reached.");
  expect(() => contract.enumValueComment("quorumguard.v1.Outcome", "OUTCOME_NEW")).toThrow("OUTCOME_NEW");
});

test("every link inside the page has its heading", () => {
  const anchors = new Set([...body.matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => text.toLowerCase()));
  for (const [, anchor = ""] of body.matchAll(/\]\(#([\w-]+)\)/g)) expect(anchors).toContain(anchor);
});

test("the call on the page is the example's first, and an example of another shape is a mistake", () => {
  expect(firstCall("#!/bin/sh\n# What.\nnode=x\n\n# One.\ncurl $node\n\n# Two.\ncurl y\n")).toBe(
    "# What.\nnode=x\n\n# One.\ncurl $node",
  );
  expect(() => firstCall("curl x\n")).toThrow("with-curl.sh");
});
