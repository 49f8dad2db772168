import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createScriptedNode, notLeader, type ScriptedNode } from "../scripted-node.fixture.ts";
import { followPolicyFile } from "./follow-policy-file.ts";
import type { WatchedFile } from "./watch-file.ts";

let folder = "";
let file = "";
let followed: WatchedFile | null = null;
const logged: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "follow-policies-"));
  file = join(folder, "policies.yaml");
  logged.length = 0;
});

afterEach(async () => {
  await followed?.close();
  followed = null;
  await rm(folder, { recursive: true, force: true });
});

const limited = (limit: number) => `policies: [{ name: login, limit: ${limit}, window: 1m }]\n`;

function following(node: ScriptedNode): void {
  const log = (_level: string, event: string, fields: object) => void logged.push(`${event} ${JSON.stringify(fields)}`);
  followed = followPolicyFile({ file, node, log, pollMs: 20, settleMs: 2, retryMs: 5 });
}

/** `leaderId` leads from now on; the scripted node is number 1. */
function lead(node: ScriptedNode, leaderId: number, term: number): void {
  node.currentTopology = { ...node.currentTopology, leaderId, term };
  for (const listener of node.listeners) listener(node.currentTopology);
}

async function asked(node: ScriptedNode, count: number) {
  await expect.poll(() => node.operations.length).toBe(count);
  return node.operations[count - 1]!;
}

const done = { kind: "administered", result: { version: 1, changed: 0, error: null } } as const;

describe("a node that follows a file of policies", () => {
  it("puts it in force once it leads, again in every term of its own, and whenever the file changes", async () => {
    await writeFile(file, limited(5));
    const node = createScriptedNode();
    following(node);
    lead(node, 2, 6);
    lead(node, 1, 7);
    const first = await asked(node, 1);
    expect(first.operation).toMatchObject({
      request: {
        namespace: "",
        author: "node 1: policies.yaml",
        change: { kind: "putDocument", document: { policies: [{ name: "login", limit: 5, windowMs: 60_000 }] } },
      },
    });
    first.done(done);
    await writeFile(`${file}.new`, limited(6));
    await rename(`${file}.new`, file);
    const second = await asked(node, 2);
    expect(second.operation).toMatchObject({ request: { change: { document: { policies: [{ limit: 6 }] } } } });
    second.done(done);
    lead(node, 2, 8);
    lead(node, 1, 9);
    (await asked(node, 3)).done(done);
    // The same term again is no reason.
    lead(node, 1, 9);
    await followed!.close();
    expect(node.operations).toHaveLength(3);
    expect(logged).toEqual([]);
  });

  it("logs what it put in force, and nothing if everything was so already", async () => {
    await writeFile(file, limited(5));
    const node = createScriptedNode();
    node.answer = () => new TextEncoder().encode('{"ok":{"words":["policy \\"login\\" is new"]}}');
    following(node);
    lead(node, 1, 7);
    (await asked(node, 1)).done({ kind: "administered", result: { version: 4, changed: 1, error: null } });
    await expect.poll(() => logged).toHaveLength(1);
    expect(logged[0]).toContain('policies-applied {"file":');
    expect(logged[0]).toContain('"version":4,"edits":["policy \\"login\\" is new"]');
  });

  it("says what is wrong with a bad file, leaves what is in force, and takes the next good one", async () => {
    await writeFile(file, limited(-5));
    const node = createScriptedNode();
    following(node);
    lead(node, 1, 7);
    await expect.poll(() => logged).toHaveLength(1);
    expect(logged[0]).toContain("policies-refused");
    expect(logged[0]).toContain("policies.yaml:1:34: policies[0].limit is -5; it must be a whole number from 0");
    await writeFile(file, limited(5));
    (await asked(node, 1)).done(done);
  });

  it("says what the state refused, and does not try the same again", async () => {
    await writeFile(file, limited(5));
    const node = createScriptedNode();
    following(node);
    lead(node, 1, 7);
    const error = { code: "too-many", field: "change", message: "would leave too many" } as const;
    (await asked(node, 1)).done({ kind: "administered", result: { version: 1, changed: 0, error } });
    await expect.poll(() => logged).toHaveLength(1);
    expect(logged[0]).toContain("would leave too many");
    await writeFile(file, limited(6));
    (await asked(node, 2)).done(done);
  });

  it("tries again while nothing can be committed", async () => {
    await writeFile(file, limited(5));
    const node = createScriptedNode();
    following(node);
    lead(node, 1, 7);
    (await asked(node, 1)).done({ ...notLeader, reason: "unavailable", applied: "unknown" });
    (await asked(node, 2)).done(done);
    expect(logged).toEqual([]);
  });
});
