import { MessageType } from "@quorumguard/raft";
import type { NodeMachine } from "../cluster/node-host.ts";
import { decodeEnvelope, FrameKind } from "../production.ts";
import type { Fault, Toolbox } from "./toolbox.ts";

/** The five of the play, named as in figure 3.7 of the Raft thesis. */
interface Cast {
  /** Leads first, and writes an entry that only it and `heir` get. */
  readonly author: NodeMachine;
  /** Leads third, and brings that entry to `third`: it stands on three of five then. */
  readonly heir: NodeMachine;
  readonly third: NodeMachine;
  readonly witness: NodeMachine;
  /** Leads second and last: of `third`, `witness` and itself, whoever was elected. */
  usurper: NodeMachine;
}

/** Between two looks at how far the play has come. */
const lookUs = 2_000;

/**
 * The play of figure 3.7 of the Raft thesis (8 of the paper): an entry of an old term stands on a majority and is overwritten
 * all the same. Deaths are proven, so that elections take milliseconds; the network loses what must not be heard.
 */
export function createFigure8(toolbox: Toolbox): Fault {
  const { random, nodes, links, configurations, note, ms, later, impaired } = toolbox;

  /** Whoever commits nothing does not serve: it leads all the same. */
  const leads = (machine: NodeMachine) => machine.running?.node.status().role === "leader";
  const follows = (machine: NodeMachine, leader: NodeMachine) =>
    machine.running?.node.topology().leaderId === leader.nodeId;

  function isolate(machine: NodeMachine): void {
    for (const other of nodes.machines) {
      if (other === machine) continue;
      links.cut(machine.name, other.name, "lose");
      links.cut(other.name, machine.name, "lose");
    }
  }

  function join(machine: NodeMachine): void {
    for (const other of nodes.machines) {
      links.heal(machine.name, other.name);
      links.heal(other.name, machine.name);
    }
  }

  /** From now on entries travel only where `passes` says so; all else is heard. */
  function letEntriesPass(passes: (from: number, to: number) => boolean): void {
    links.drops = (from, to, frame) =>
      frame[0] === FrameKind.envelope &&
      !passes(from, to) &&
      decodeEnvelope(frame, from, to).messages.some(
        ({ type, entries }) => type === MessageType.app && entries.length > 0,
      );
  }

  /** Goes on as soon as `isDone`, and gives the play up if that takes too long. */
  function when(what: string, mostMs: number, isDone: () => boolean, next: () => void, giveUp: () => void): void {
    let looks = (mostMs * 1_000) / lookUs;
    const look = () => {
      if (isDone()) next();
      else if (looks-- > 0) later(lookUs, what, look);
      else giveUp();
    };
    look();
  }

  function choose(): Cast | null {
    const { voters, outgoing } = configurations.latest;
    const isWhole = (machine: NodeMachine) =>
      machine.running !== null && !machine.running.process.paused && !machine.newer && machine.tap.lastIndex > 0;
    if (voters.length !== 5 || outgoing.length > 0 || !toolbox.isSteady() || toolbox.mayNeedAll()) return null;
    const five = nodes.machines.filter(({ nodeId }) => voters.includes(nodeId));
    if (impaired.size > 0 || links.drops !== null || five.length !== 5 || !five.every(isWhole)) return null;
    const author = five.find(leads);
    if (author === undefined) return null;
    const others = five.filter((machine) => machine !== author);
    const [heir, third, witness, usurper] = others
      .map((machine) => ({ machine, rank: random.float() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ machine }) => machine);
    return { author, heir: heir!, third: third!, witness: witness!, usurper: usurper! };
  }

  function play({ author, heir, ...others }: Cast): void {
    const five = [author, heir, others.third, others.witness, others.usurper];
    let { third, witness, usurper } = others;
    const entry = { index: 0, term: 0 };
    const has = (machine: NodeMachine) => machine.tap.has(entry.index, entry.term);
    const kill = (machine: NodeMachine) => nodes.crash(machine, "killed");

    function end(): void {
      links.drops = null;
      for (const machine of five) {
        join(machine);
        impaired.delete(machine);
        nodes.start(machine);
      }
    }

    function write(): void {
      letEntriesPass((from, to) => from === author.nodeId && to === heir.nodeId);
      const isWritten = () =>
        heir.tap.lastIndex > Math.max(...[third, witness, usurper].map(({ tap }) => tap.lastIndex)) &&
        author.tap.has(heir.tap.lastIndex, heir.tap.lastTerm);
      // What was on its way before must have arrived.
      later(ms(25, 40), "an entry is on two of five", () =>
        when("an entry is on two of five", 400, isWritten, usurp, end),
      );
    }

    function usurp(): void {
      entry.index = heir.tap.lastIndex;
      entry.term = heir.tap.lastTerm;
      isolate(heir);
      letEntriesPass(() => false);
      kill(author);
      const elected = () => [third, witness, usurper].find((one) => leads(one) && one.tap.lastTerm > entry.term);
      const next = () => {
        const chosen = elected()!;
        [third, witness] = [third, witness, usurper].filter((one) => one !== chosen) as [NodeMachine, NodeMachine];
        usurper = chosen;
        join(heir);
        when("the heir hears of it", 400, () => follows(heir, usurper), inherit, end);
      };
      when("another leads", 1_000, () => elected() !== undefined, next, end);
    }

    function inherit(): void {
      letEntriesPass((from, to) => from === heir.nodeId && to === third.nodeId);
      kill(usurper);
      when("an entry is on three of five", 1_000, () => leads(heir) && has(third), fall, end);
    }

    function fall(): void {
      letEntriesPass(() => false);
      isolate(third);
      nodes.start(author);
      nodes.start(usurper);
      const next = () => {
        links.drops = null;
        kill(heir);
        when("it is overwritten", 1_000, () => !has(author), end, end);
      };
      when("they follow", 600, () => follows(author, heir) && follows(usurper, heir), next, end);
    }

    for (const machine of five) impaired.add(machine);
    write();
  }

  return () => {
    if (configurations.latest.voters.length !== 5) return false;
    let cast: Cast | null = null;
    const isCast = () => {
      cast = choose();
      return cast !== null;
    };
    const begin = () => {
      toolbox.count("figure8");
      note(`${cast!.author.name} writes what will stand on a majority and be overwritten`);
      play(cast!);
    };
    // All five must be whole at its beginning.
    when("five are whole", 1_500, isCast, begin, () => {});
    return "waits";
  };
}
