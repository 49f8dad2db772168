import type { NodeMachine } from "../cluster/node-host.ts";
import type { MemberChange } from "../production.ts";
import type { Fault, Toolbox } from "./toolbox.ts";

type MemberFault = "growCluster" | "shrinkCluster" | "replaceNode" | "diskLoss" | "removeNextLeader" | "island";

const mostVoters = 6;

/** What operators do to the membership, and what happens to them while they do. */
export function createMemberFaults(toolbox: Toolbox): Readonly<Record<MemberFault, Fault>> {
  const { world, random, nodes, configurations, note, ms, later, impaired, lost, ruined } = toolbox;
  const voters = () => configurations.latest.voters;
  const leaderNow = () =>
    nodes.machines.find(({ running }) => running !== null && !running.process.paused && running.node.leads);

  /** Asks whoever leads until somebody has done it, as an operator would. False: the time for it is over. */
  async function ask(change: MemberChange, isDone: () => boolean): Promise<boolean> {
    for (let attempt = 0; attempt < 60 && toolbox.going; attempt++) {
      if (isDone()) return true;
      const leader = leaderNow();
      if (leader !== undefined) {
        const outcome = leader.running!.node.changeMembers(change).then(
          () => true,
          (error: Error) => {
            world.trace.event(world.nowUs, `${leader.name} does not ${change.kind} ${change.nodeId}: ${error.message}`);
            return false;
          },
        );
        if (change.kind === "remove" && change.nodeId === leader.nodeId) toolbox.rare.hit("leaderAskedToRemoveItself");
        disturb(leader, change);
        // A process that dies or is paused never answers.
        if (await Promise.race([outcome, world.sleep(1_500_000, null, "give up asking").then(() => false)]))
          return true;
      }
      await world.sleep(ms(20, 80), null, "ask again");
    }
    return false;
  }

  /** A change under way is when leadership had better not move. */
  function disturb(leader: NodeMachine, change: MemberChange): void {
    if (!random.chance(change.kind === "replace" ? 0.5 : 0.2)) return;
    // Between two configurations if there are two, or else whenever it happens to be.
    let looks = 40;
    const look = () => {
      const { running } = leader;
      if (running === null || !toolbox.going) return;
      if (configurations.latest.outgoing.length === 0 && change.kind === "replace" && looks-- > 0)
        world.schedule(250, null, "look for a joint configuration", look);
      else if (configurations.latest.outgoing.length > 0 && random.chance(0.4)) restartOne(toolbox);
      else running.node.transferLeadership(0).catch(() => {});
    };
    world.schedule(random.below(1_000), null, "leadership moves in a change", look);
  }

  function operation(what: string, steps: () => Promise<void>): boolean {
    if (toolbox.changesMembers) return false;
    toolbox.changesMembers = true;
    note(what);
    void steps().finally(() => {
      toolbox.changesMembers = false;
      toolbox.unsteadyFor(1_000_000);
    });
    return true;
  }

  const isVoter = (nodeId: number) => voters().includes(nodeId) && configurations.latest.outgoing.length === 0;
  const isMember = (nodeId: number) =>
    leaderNow()
      ?.running?.node.members()
      .some((one) => one.nodeId === nodeId) === true;
  const isGone = (nodeId: number) => !isMember(nodeId) && leaderNow() !== undefined && !voters().includes(nodeId);

  async function addLearner(): Promise<NodeMachine | null> {
    const newcomer = nodes.add();
    nodes.start(newcomer);
    await world.sleep(ms(5, 60), null, "a newcomer asks to join");
    return (await ask({ kind: "add", nodeId: newcomer.nodeId }, () => isMember(newcomer.nodeId))) ? newcomer : null;
  }

  /**
   * Switches a removed node off once all others have applied its removal, as an operator should: until then they count it, and with
   * it and others off they could be too few to elect anybody (checklist D3).
   */
  async function retire(machine: NodeMachine): Promise<void> {
    const isKnown = () =>
      nodes.machines.every(
        ({ nodeId, running }) =>
          nodeId === machine.nodeId || running?.node.members().every((one) => one.nodeId !== machine.nodeId) === true,
      );
    while (toolbox.going && !isKnown()) await world.sleep(20_000, null, "others learn of a removal");
    if (!toolbox.going) return;
    note(`${machine.name} is a member no more`);
    lost.delete(machine);
    impaired.delete(machine);
    ruined.delete(machine);
    if (ruined.size === 0) nodes.keepsWritesWhole = false;
    nodes.retire(machine);
  }

  async function remove(machine: NodeMachine): Promise<void> {
    if (await ask({ kind: "remove", nodeId: machine.nodeId }, () => isGone(machine.nodeId))) await retire(machine);
  }

  async function replace(machine: NodeMachine): Promise<void> {
    const newcomer = await addLearner();
    if (newcomer === null) return;
    const { nodeId } = newcomer;
    if (random.chance(0.6)) {
      const change: MemberChange = { kind: "replace", nodeId: machine.nodeId, by: nodeId };
      if (await ask(change, () => isVoter(nodeId) && isGone(machine.nodeId))) await retire(machine);
    } else if (await ask({ kind: "promote", nodeId }, () => isVoter(nodeId))) await remove(machine);
  }

  const running = () => nodes.machines.filter((machine) => machine.running !== null && !impaired.has(machine));

  return {
    growCluster() {
      if (voters().length >= mostVoters || nodes.machines.length >= 8) return false;
      return operation("a node joins", async () => {
        const newcomer = await addLearner();
        if (newcomer === null || random.chance(0.3)) return;
        await world.sleep(ms(0, 300), null, "a learner catches up");
        await ask({ kind: "promote", nodeId: newcomer.nodeId }, () => isVoter(newcomer.nodeId));
      });
    },
    shrinkCluster() {
      // Leaders are asked to go more often than not: that is the hard case.
      const leader = leaderNow();
      const candidates = nodes.machines.filter((machine) => !voters().includes(machine.nodeId) || voters().length > 3);
      if (candidates.length === 0 || ruined.size > 0) return false;
      const chosen = leader !== undefined && candidates.includes(leader) && random.chance(0.5) ? leader : null;
      const machine = chosen ?? random.pick(candidates);
      return operation(`${machine.name} is to go`, () => remove(machine));
    },
    replaceNode() {
      if (nodes.machines.length < 3) return false;
      const [needy] = lost;
      const machine = needy ?? (running().length > 0 ? random.pick(running()) : undefined);
      if (machine === undefined || !voters().includes(machine.nodeId)) return false;
      return operation(`a new node is to take the place of ${machine.name}`, () => replace(machine));
    },
    diskLoss() {
      const candidates = running();
      if (!toolbox.mayRuin() || candidates.length === 0) return false;
      const machine = random.pick(candidates);
      if (!voters().includes(machine.nodeId)) return false;
      ruined.add(machine);
      lost.add(machine);
      nodes.keepsWritesWhole = true;
      nodes.crash(machine, "vanished");
      machine.mayForget = true;
      machine.disk.wipe();
      machine.tap.wiped();
      machine.excuses.add({
        // By the time that it starts it may be a member no more.
        explains: ({ message }) => message.includes("is empty") || message.startsWith("removed:"),
        failed() {
          toolbox.rare.hit("emptyDiskRefused");
          nodes.crash(machine, "killed");
        },
      });
      // Somebody may try it with the empty disk all the same.
      if (random.chance(0.5)) later(ms(20, 300), `start ${machine.name} on an empty disk`, () => nodes.start(machine));
      return operation(`${machine.name} has lost its disk; a new node is to take its place`, () => replace(machine));
    },
    /** Leadership goes to a node whose removal is in the log, and not committed yet: it commits that, and goes. */
    removeNextLeader() {
      const leader = leaderNow();
      const others = running().filter((machine) => machine !== leader && isVoter(machine.nodeId));
      if (leader === undefined || toolbox.changesMembers || ruined.size > 0 || others.length < 3) return false;
      const next = random.pick(others);
      const delayUs = ms(30, 120);
      for (const other of others) {
        if (other === next) continue;
        toolbox.delays.longestUs = Math.max(toolbox.delays.longestUs, delayUs);
        toolbox.links.cut(leader.name, other.name, "hold");
        later(delayUs, `heal ${leader.name} > ${other.name}`, () => toolbox.links.heal(leader.name, other.name));
      }
      const { node } = leader.running!;
      return operation(`${next.name} is to go, and to lead before that`, async () => {
        node.changeMembers({ kind: "remove", nodeId: next.nodeId }).catch(() => {});
        await world.sleep(400, null, "the removal is in the log");
        node.transferLeadership(next.nodeId).catch(() => {});
        await remove(next);
      });
    },
    /** A leader that nobody hears is asked to send everyone else away. */
    island() {
      const leader = leaderNow();
      const others = nodes.machines.filter((machine) => machine !== leader && voters().includes(machine.nodeId));
      if (leader === undefined || others.length === 0 || ruined.size > 0 || voters().length < 3) return false;
      toolbox.unsteadyFor(2_500_000);
      note(`${leader.name} is cut off and asked to remove the others`);
      const delayUs = ms(200, 900);
      for (const other of others)
        for (const [from, to] of [[leader, other] as const, [other, leader] as const]) {
          toolbox.links.cut(from.name, to.name, "lose");
          later(delayUs, `heal ${from.name} > ${to.name}`, () => toolbox.links.heal(from.name, to.name));
        }
      const { nodeId } = random.pick(others);
      // Another fault may let it be heard; the checkers of commits see whether that was enough.
      leader.running!.node.changeMembers({ kind: "remove", nodeId }).catch(() => {});
      return true;
    },
  };
}

/** A process that is killed between two configurations finds both in its log. */
function restartOne({ victim, nodes, note, impair, ms }: Toolbox): void {
  const machine = victim();
  if (machine === null) return;
  note(`${machine.name} is killed while two configurations count`);
  nodes.crash(machine, "killed");
  impair(machine, ms(20, 200), `restart ${machine.name}`, () => nodes.start(machine));
}
