import type { Random } from "../world/random.ts";

/** What a cut direction does to what is sent into it: lost for good, or held back as TCP would, until it heals. */
export type CutMode = "lose" | "hold";

/** How the network treats frames and bytes. Times in microseconds; chances per frame. */
export interface NetworkConditions {
  readonly delayUs: number;
  /** Adds up to this much, drawn per frame. */
  readonly jitterUs: number;
  /** Peer frames that vanish, as a transport drops them when a peer is too far behind. */
  readonly loss: number;
  /** Raft's messages delivered a second time, later. */
  readonly duplicate: number;
  /** Raft's messages that overtake or fall behind others. */
  readonly reorder: number;
  /** Messages of a client stream after which it breaks. */
  readonly streamBreak: number;
}

/** Who can reach whom, by machine name and per direction: partitions need not be symmetric. */
export interface Links {
  cut(from: string, to: string, mode: CutMode): void;
  heal(from: string, to: string): void;
  healAll(): void;
  isCut(from: string, to: string): boolean;
  mode(from: string, to: string): CutMode | null;
  /** Which frames between nodes are lost; null: none is chosen. Plays that need one message lost and another heard choose here. */
  drops: ((from: number, to: number, frame: Uint8Array) => boolean) | null;
  /** Called whenever a direction opens again. */
  onHeal(listener: (from: string, to: string) => void): void;
  readonly conditions: NetworkConditions;
  /** Replaces the conditions: the liveness phase runs on a calm network. */
  setConditions(conditions: NetworkConditions): void;
  /** Time that one frame takes. */
  delayUs(random: Random): number;
}

/** Makes links of which none is cut. */
export function createLinks(initial: NetworkConditions): Links {
  const cuts = new Map<string, CutMode>();
  const listeners: ((from: string, to: string) => void)[] = [];
  let conditions = initial;
  const key = (from: string, to: string) => `${from}>${to}`;
  const links: Links = {
    cut: (from, to, mode) => {
      cuts.set(key(from, to), mode);
    },
    heal(from, to) {
      if (!cuts.delete(key(from, to))) return;
      for (const listener of listeners) listener(from, to);
    },
    drops: null,
    healAll() {
      links.drops = null;
      for (const direction of [...cuts.keys()]) links.heal(...(direction.split(">") as [string, string]));
    },
    isCut: (from, to) => cuts.has(key(from, to)),
    mode: (from, to) => cuts.get(key(from, to)) ?? null,
    onHeal: (listener) => {
      listeners.push(listener);
    },
    get conditions() {
      return conditions;
    },
    setConditions(next) {
      conditions = next;
    },
    delayUs: (random) => conditions.delayUs + random.below(conditions.jitterUs + 1),
  };
  return links;
}
