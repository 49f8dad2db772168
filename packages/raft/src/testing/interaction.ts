import { createMessage } from "../message.ts";
import { appendThread, applyThread, type Message, MessageType, type NodeId, type Refusal } from "../types.ts";
import { describeMessage, describeReady, messageName } from "./describe.ts";
import { ScriptError } from "./interaction-args.ts";
import type { InteractionNode } from "./interaction-node.ts";

const refusals: Readonly<Record<Refusal, string>> = {
  dropped: "raft proposal dropped",
  stopped: "raft: stopped",
  "peer-not-found": "raft: cannot step as peer not found",
  "local-message": "raft: cannot step raft local message",
  "too-large": "raft: proposal is too large",
};

/** A sound group comes to rest within a few dozen rounds; one that never does must not hold up its script. */
const maxRounds = 10_000;
const maxLinesOfEndless = 100;

/** How the scripts print a refusal. */
export function describeRefusal(refusal: Refusal): string {
  return refusals[refusal];
}

/** Whom to deliver to, or whose messages to drop. */
export interface Recipient {
  readonly id: NodeId;
  readonly drop: boolean;
}

/** Nodes, the messages between them, and what a script sees of it all. */
export class Interaction {
  readonly nodes: InteractionNode[] = [];
  messages: Message[] = [];
  /** Who hears whom: the groups of a partition, or null when all do. Nodes of no group hear nobody. */
  partition: readonly (readonly NodeId[])[] | null = null;
  quiet = false;
  #lines: string[] = [];
  #indent = "";

  print(text: string): void {
    if (this.quiet) return;
    for (const line of text.split("\n")) this.#lines.push(this.#indent + line);
  }

  /** Runs `action` under a level of silence of its own. */
  quietly(quiet: boolean, action: () => void): void {
    const outer = this.quiet;
    this.quiet = quiet;
    try {
      action();
    } finally {
      this.quiet = outer;
    }
  }

  takeOutput(): string {
    const output = this.#lines.join("\n");
    this.#lines = [];
    return output === "" ? "ok" : output;
  }

  node(id: NodeId): InteractionNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new ScriptError(`there is no node ${id}`);
    return node;
  }

  /** Runs `action` for each node, under a headline if there are several. */
  each(ids: readonly NodeId[], headline: string, action: (id: NodeId) => void): void {
    for (const id of ids) {
      if (ids.length > 1) this.section(`> ${id} ${headline}`, () => action(id));
      else action(id);
    }
  }

  section(title: string, action: () => void): void {
    this.print(title);
    const outer = this.#indent;
    this.#indent = `${outer}  `;
    try {
      action();
    } finally {
      this.#indent = outer;
    }
  }

  processReady(id: NodeId): void {
    const node = this.node(id);
    const { raft } = node;
    const ready = raft.ready();
    this.print(describeReady(ready));
    const synchronous = !raft.core.options.asyncStorageWrites;
    if (synchronous) {
      node.persist(ready.hardState, ready.entries, ready.snapshot);
      node.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (message.to === appendThread) node.appendWork.push(message);
      else if (message.to === applyThread) node.applyWork.push(message);
      else this.messages.push(message);
    }
    if (synchronous) raft.advance();
  }

  processAppend(id: NodeId): void {
    const node = this.node(id);
    const work = node.appendWork[0];
    if (work === undefined) {
      this.print("no append work to perform");
      return;
    }
    if (node.disk === "stalled") {
      this.print("the disk does not answer");
      return;
    }
    if (node.disk === "failing") {
      this.print("the write failed: the node stops");
      node.crash(true);
      return;
    }
    node.appendWork.shift();
    this.#printWork(work);
    node.flush(work);
    this.messages.push(...work.responses);
  }

  processApply(id: NodeId): void {
    const node = this.node(id);
    const work = node.applyWork.shift();
    if (work === undefined) {
      this.print("no apply work to perform");
      return;
    }
    this.#printWork(work);
    node.apply(work.entries);
    this.messages.push(...work.responses);
  }

  /** Delivers or drops what waits for each recipient. @returns how many messages that were. */
  deliver(recipients: readonly Recipient[], type: string | null): number {
    let handled = 0;
    for (const { id, drop } of recipients) {
      const taken = this.messages.filter((message) => this.#isFor(message, id, drop, type));
      this.messages = this.messages.filter((message) => !taken.includes(message));
      handled += taken.length;
      for (const message of taken) {
        const lost = drop || !this.#reaches(message);
        this.print(`${lost ? "dropped: " : ""}${describeMessage(message)}`);
        if (lost) continue;
        const refusal = this.node(id).raft.step(message);
        if (refusal !== null) this.print(describeRefusal(refusal));
      }
    }
    return handled;
  }

  /** Goes on until nothing is left to do for these nodes. */
  stabilize(ids: readonly NodeId[]): void {
    let rounds = 0;
    for (let busy = true; busy; ) {
      if (rounds++ === maxRounds) {
        // What went on for so long is of no use to whoever reads the difference.
        this.#lines = this.#lines.slice(0, maxLinesOfEndless);
        throw new ScriptError(`stabilize does not come to rest: still at work after ${maxRounds} rounds`);
      }
      busy = false;
      const phase = (headline: string, hasWork: (id: NodeId) => boolean, work: (id: NodeId) => void) => {
        for (const id of ids) {
          if (!hasWork(id)) continue;
          busy = true;
          this.section(`> ${id} ${headline}`, () => work(id));
        }
      };
      phase(
        "handling Ready",
        (id) => this.node(id).up && this.node(id).raft.hasReady(),
        (id) => this.processReady(id),
      );
      const hasMessages = (id: NodeId) => this.messages.some((message) => message.to === id);
      phase("receiving messages", hasMessages, (id) => this.deliver([{ id, drop: false }], null));
      phase(
        "processing append thread",
        (id) => this.node(id).appendWork.length > 0 && this.node(id).disk !== "stalled",
        (id) => {
          while (this.node(id).appendWork.length > 0) this.processAppend(id);
        },
      );
      phase(
        "processing apply thread",
        (id) => this.node(id).applyWork.length > 0,
        (id) => {
          while (this.node(id).applyWork.length > 0) this.processApply(id);
        },
      );
    }
  }

  /** A snapshot on its way without the sender's core knowing. */
  sendSnapshot(from: NodeId, to: NodeId): void {
    const sender = this.node(from);
    const message = createMessage(MessageType.snap, to);
    message.from = from;
    message.term = sender.raft.term;
    message.snapshot = sender.newestSnapshot();
    this.messages.push(message);
    this.print(describeMessage(message));
  }

  /** Lets `count` ticks pass on a node, less those for which its clock stands still. */
  tick(id: NodeId, count: number): void {
    const node = this.node(id);
    const missed = Math.min(node.stoppedTicks, count);
    node.stoppedTicks -= missed;
    for (let ticks = missed; ticks < count; ticks++) node.raft.tick();
  }

  #printWork(work: Message): void {
    this.print(`Processing:\n${describeMessage(work, false)}\nResponses:`);
    for (const response of work.responses) this.print(describeMessage(response));
  }

  /** Whether nothing stands between a message and its addressee: neither a partition nor its death. */
  #reaches({ from, to }: Message): boolean {
    if (!this.node(to).up) return false;
    if (this.partition === null || from === to || from < 0) return true;
    return this.partition.some((group) => group.includes(from) && group.includes(to));
  }

  /** What a node sends to itself or to its storage cannot get lost. */
  #isFor(message: Message, id: NodeId, drop: boolean, type: string | null): boolean {
    const local = message.from === message.to || message.from < 0 || message.to < 0;
    return message.to === id && !(drop && local) && (type === null || messageName(message.type) === type);
  }
}
