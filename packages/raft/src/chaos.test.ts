import { afterAll, expect, test } from "vitest";
import { createRandom, Network } from "./testing/network.ts";
import type { Entry, Message, NodeId } from "./types.ts";

const members = [1, 2, 3, 4, 5];

/** What must hold at every moment, whatever the network and the disks do (thesis figure 3.2, §6.4). */
class Checker {
  readonly #leaders = new Map<number, NodeId>();
  readonly #checked = new Map<NodeId, number>();
  readonly #committed = new Map<number, string>();
  /** By the number of a read: the highest index that anybody had applied when it was asked. */
  readonly #reads: number[] = [];
  readonly #answers = new Map<NodeId, number>();
  #highest = 0;
  answered = 0;

  /** Asks node `id` for a read index. */
  read(network: Network, id: NodeId): void {
    network.raft(id).readIndex(Uint8Array.of(this.#reads.length >> 8, this.#reads.length & 0xff));
    this.#reads.push(this.#highest);
  }

  check(network: Network): void {
    for (const [id, { raft, up, applied, view, readStates }] of network.members) {
      for (const { context, index } of readStates.slice(this.#answers.get(id) ?? 0)) {
        const asked = this.#reads[context[0]! * 256 + context[1]!]!;
        expect(index, "a read does not see what was applied before it").toBeGreaterThanOrEqual(asked);
        this.answered++;
      }
      this.#answers.set(id, readStates.length);
      if (!up) continue;
      if (raft.softState.state === "leader") {
        const known = this.#leaders.get(raft.term) ?? id;
        expect(known, `leaders of term ${raft.term}`).toBe(id);
        this.#leaders.set(raft.term, id);
      }
      // Entries are checked once; a restart or a snapshot starts the list anew.
      const checked = Math.min(this.#checked.get(id) ?? 0, applied.length);
      for (const entry of applied.slice(checked)) this.#checkEntry(id, entry);
      this.#checked.set(id, applied.length);
      expect(raft.commitIndex).toBeLessThanOrEqual(raft.status().lastIndex);
      expect(view.lastIndex()).toBeGreaterThanOrEqual(raft.status().appliedIndex);
    }
  }

  #checkEntry(id: NodeId, entry: Entry): void {
    const text = `${entry.term}:${String.fromCharCode(...entry.data)}`;
    const known = this.#committed.get(entry.index) ?? text;
    expect(text, `node ${id} applied another entry at ${entry.index}`).toBe(known);
    this.#committed.set(entry.index, text);
    this.#highest = Math.max(this.#highest, entry.index);
  }

  get count(): number {
    return this.#committed.size;
  }
}

/** Demotes, promotes, removes or takes back a member, alone or through a joint configuration. The first three always vote. */
function proposeChange(network: Network, id: NodeId, random: (bound: number) => number): void {
  const leader = network.leader();
  if (leader === null || id <= 3) return;
  const kind = (["addVoter", "addLearner", "remove"] as const)[random(3)]!;
  const transition = (["auto", "implicit", "explicit"] as const)[random(3)]!;
  const context = new Uint8Array(0);
  network.raft(leader).proposeConfChange({ transition, changes: [{ kind, nodeId: id }], context });
  if (random(2) === 0) network.raft(leader).proposeConfChange({ transition: "auto", changes: [], context });
}

/**
 * One random thing: time passes, a message arrives (late, twice or never), a disk flushes, a process dies or comes back, with its
 * last write or without it.
 */
function disturb(
  network: Network,
  random: (bound: number) => number,
  counter: { next: number },
  checker: Checker,
): void {
  const id = members[random(members.length)]!;
  const member = network.member(id);
  const { queue } = network;
  switch (random(12)) {
    case 0:
    case 1:
    case 2:
      if (member.up) network.tick(id, 1 + random(3));
      break;
    case 3: {
      const leader = network.leader();
      if (leader !== null) network.propose(leader, `c${counter.next++}`);
      break;
    }
    case 4:
      if (random(20) !== 0) break;
      if (member.up) network.crash(id);
      else if (random(2) === 0) network.restartDamaged(id);
      else network.restart(id);
      break;
    case 5:
      if (member.up) checker.read(network, id);
      if (random(15) === 0) network.isolate(id, members[random(members.length)]!);
      if (random(10) === 0) network.heal();
      break;
    case 6:
      if (member.up) network.flush(id, 1 + random(3));
      break;
    case 7:
      if (member.up && random(10) === 0) network.compact(id);
      if (random(25) === 0) proposeChange(network, id, random);
      if (member.up && random(30) === 0) member.raft.forgetLeader();
      if (member.up && random(30) === 0) member.raft.transferLeader(members[random(members.length)]!);
      break;
    default:
      for (let count = random(8); count > 0 && queue.length > 0; count--) {
        const [message] = queue.splice(random(5) === 0 ? random(queue.length) : 0, 1) as [Message];
        const fate = random(20);
        if (fate === 0) {
          network.lose(message);
          continue;
        }
        if (fate === 1) queue.push(message);
        network.deliver(message);
      }
  }
  for (const each of members) network.run(each);
}

function recover(network: Network): void {
  network.heal();
  network.slowDisks.clear();
  for (const id of members) {
    if (!network.member(id).up) network.restart(id);
    network.flush(id);
  }
  for (let ticks = 0; ticks < 400; ticks++) {
    for (const id of members) network.tick(id);
    network.settle();
    network.settleLoss();
  }
}

let readsAnswered = 0;
afterAll(() => expect(readsAnswered).toBeGreaterThan(200));

for (let seed = 1; seed <= 40; seed++) {
  test(`no entry is lost or changed, and the group recovers: seed ${seed}`, () => {
    const raft = { maxInflightMessages: 3, maxBytesPerMessage: 20, stepDownOnRemoval: true };
    const network = new Network({ members, outsiders: [], seed, raft, remembersLastWrite: true });
    const random = createRandom(seed * 7919);
    const checker = new Checker();
    const counter = { next: 0 };
    for (const id of members) network.slowDisks.add(id);
    for (let count = 0; count < 1_500; count++) {
      disturb(network, random, counter, checker);
      network.settleLoss();
      checker.check(network);
    }
    readsAnswered += checker.answered;
    const before = checker.count;
    recover(network);
    const leader = network.leader();
    expect(leader).not.toBeNull();
    expect(network.propose(leader!, "last")).toBeNull();
    network.settle();
    checker.check(network);
    expect(checker.count).toBeGreaterThanOrEqual(before);
    const texts = network.appliedTexts(leader!);
    expect(texts.at(-1)).toBe("last");
    expect(new Set(texts).size).toBe(texts.length);
    for (const id of network.raft(leader!).status().progress.keys()) expect(network.appliedTexts(id)).toEqual(texts);
  });
}
