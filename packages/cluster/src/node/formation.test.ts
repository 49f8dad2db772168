import { describe, expect, test } from "vitest";
import type { Identity } from "../storage/storage.ts";
import { clusterIdOf, Formation } from "./formation.ts";
import { FoundingPhase, type Hello } from "./hello-codec.ts";

/** A founder whose flushes end when the test says so. */
class Founder {
  readonly nodeId: number;
  readonly nonce: string;
  readonly formation: Formation;
  identity: Identity | null = null;
  formed = "";
  refused = "";
  warned = "";
  flush: (() => void) | null = null;

  constructor(nodeId: number, nonce: string, identity: Identity | null = null, hasHistory = false) {
    this.nodeId = nodeId;
    this.nonce = nonce;
    this.formation = new Formation({
      nodeId,
      founders: [1, 2, 3],
      nonce,
      identity,
      hasHistory,
      host: {
        saveIdentity: (value, done) => {
          this.flush = () => {
            this.identity = value;
            this.flush = null;
            done();
          };
        },
        formed: (clusterId) => {
          this.formed = clusterId;
        },
        refused: (reason) => {
          this.refused = reason;
        },
        warn: (reason) => {
          this.warned = reason;
        },
        announce: () => {},
      },
    });
    this.formation.begin();
  }

  hello(): Hello {
    const { phase, clusterId } = this.formation;
    const { nodeId, nonce } = this;
    return {
      nodeId,
      nonce,
      phase,
      clusterId,
      bootId: "b",
      founders: [1, 2, 3],
      address: "",
      origin: [],
      members: [],
      droppedLastFrame: false,
      damaged: false,
      term: 0,
      lastTerm: 0,
      lastIndex: 0,
    };
  }

  hears(other: Founder): string | null {
    return this.formation.heard(other.hello());
  }
}

const three = () => [new Founder(1, "aa"), new Founder(2, "bb"), new Founder(3, "cc")] as const;

function everyoneHears(founders: readonly Founder[]): void {
  for (const one of founders) for (const other of founders) if (one !== other) one.hears(other);
}

function formedCluster(): readonly [Founder, Founder, Founder] {
  const founders = three();
  everyoneHears(founders);
  for (const founder of founders) founder.flush?.();
  everyoneHears(founders);
  return founders;
}

describe("N3: founders", () => {
  test("form only when all of them have said that their identity is flushed", () => {
    const [a, b, c] = three();
    everyoneHears([a, b]);
    expect(a.flush).toBeNull();
    everyoneHears([a, b, c]);
    a.flush!();
    b.flush!();
    everyoneHears([a, b, c]);
    expect([a, b, c].map((founder) => founder.formed)).toEqual(["", "", ""]);
    c.flush!();
    everyoneHears([a, b, c]);
    const clusterId = clusterIdOf([{ nonce: "cc" }, { nonce: "aa" }, { nonce: "bb" }]);
    expect(clusterId).toMatch(/^[0-9a-f]{32}$/);
    expect([a, b, c].map((founder) => founder.formed)).toEqual([clusterId, clusterId, clusterId]);
  });

  test("take up where they were after a crash between any two steps", () => {
    const [a, b, c] = three();
    everyoneHears([a, b, c]);
    a.flush!();
    // b dies before its flush; its nonce was on disk before it was spoken.
    const again = new Founder(2, b.nonce);
    const restarted = new Founder(1, a.nonce, a.identity);
    c.flush!();
    everyoneHears([restarted, again, c]);
    again.flush!();
    everyoneHears([restarted, again, c]);
    expect(new Set([restarted.formed, again.formed, c.formed]).size).toBe(1);
    expect(c.formed).not.toBe("");
  });

  test("a node with an empty disk beside a formed cluster stops, and says what to do", () => {
    const [a, b] = formedCluster();
    const replaced = new Founder(3, "dd");
    expect(replaced.hears(a)).toContain("is empty, but cluster");
    expect(replaced.refused).toContain("give it back its own folder");
    expect(a.hears(replaced)).toContain("another disk");
    expect(b.hears(replaced)).toContain("another disk");
    expect(replaced.flush).toBeNull();
  });

  test("a replaced disk stops a formation that was under way, rather than being voted with", () => {
    const [a, b, c] = three();
    everyoneHears([a, b, c]);
    a.flush!();
    b.flush!();
    const replaced = new Founder(3, "dd");
    replaced.hears(a);
    replaced.hears(b);
    expect(replaced.refused).toContain("was no founder of");
    everyoneHears([a, b]);
    expect([a.formed, b.formed]).toEqual(["", ""]);
  });

  test("a node of another cluster is turned away by name", () => {
    const [a] = formedCluster();
    const identity: Identity = { ...a.identity!, clusterId: "f".repeat(32), nodeId: 2 };
    const foreign = new Founder(2, "bb", identity, true);
    expect(foreign.formation.phase).toBe(FoundingPhase.formed);
    expect(a.hears(foreign)).toContain(`belongs to cluster ${"f".repeat(32)}`);
    expect(foreign.hears(a)).toContain(`belongs to cluster ${a.identity!.clusterId}`);
  });

  test("a node that was started with another list is turned away with both lists", () => {
    const [a, b] = three();
    const reason = a.formation.heard({ ...b.hello(), founders: [2, 3] });
    expect(reason).toBe("node 2 was started with founders 2, 3, node 1 with 1, 2, 3");
    expect(a.formation.heard({ ...b.hello(), nodeId: 9 })).toContain("is not a founder");
  });
});
