import type { NodeMachine } from "../cluster/node-host.ts";
import type { Fault, Toolbox } from "./toolbox.ts";

type DirectedFault = "leaderCascade" | "lostAcknowledgements" | "staleTail" | "crashInSnapshot" | "crashAfterSnapshot";

/** Short plays that lead to states which chance alone seldom reaches. */
export function createDirectedFaults(toolbox: Toolbox): Readonly<Record<DirectedFault, Fault>> {
  const { random, nodes, links, note, ms, later, victim, impair, impaired, pauseProcess } = toolbox;

  const leaderNow = () =>
    nodes.machines.find((machine) => {
      const { running } = machine;
      return running !== null && !running.process.paused && running.node.leads && !impaired.has(machine);
    });

  /** Pauses the leader, then whoever follows it, as far as a quorum is left. All go on about the same time. */
  function pauseLeaders(left: number, untilUs: number): void {
    const leader = leaderNow();
    const remainingUs = untilUs - toolbox.world.nowUs;
    if (remainingUs < 50_000) return;
    if (leader === undefined) {
      later(20_000, "look for the next leader", () => pauseLeaders(left, untilUs));
      return;
    }
    const delayUs = remainingUs + random.below(50_000);
    pauseProcess(leader.running!.process, delayUs);
    impair(leader, delayUs, `${leader.name} goes on`, () => {});
    if (left > 1) later(20_000, "look for the next leader", () => pauseLeaders(left - 1, untilUs));
  }

  function cutAll(from: readonly NodeMachine[], to: readonly NodeMachine[], delayUs: number): void {
    for (const one of from)
      for (const other of to) {
        if (one === other) continue;
        links.cut(one.name, other.name, "lose");
        later(delayUs, `heal ${one.name} > ${other.name}`, () => links.heal(one.name, other.name));
      }
  }

  function crashAt(kind: "crashInSnapshot" | "crashAfterSnapshot"): boolean | "waits" {
    const [operation, ending, delayUs] =
      kind === "crashInSnapshot" ? ["write", ".part", 200] : ["rename", ".snap", 300];
    const machine = victim();
    if (machine === null) return false;
    impaired.add(machine);
    const running = machine.running;
    /** Whether the snapshot that the crash waits for is where it should be. */
    const isThere = () =>
      machine.running === running && machine.disk.list("snapshots").some((name) => name.endsWith(ending));
    let done = false;
    const crash = (isMoment: boolean) => {
      if (done) return;
      done = true;
      if (isMoment) toolbox.count(kind);
      nodes.crash(machine, random.chance(0.5) ? "vanished" : "killed");
      impair(machine, ms(20, 400), `restart ${machine.name}`, () => nodes.start(machine));
    };
    machine.awaitDisk = (what, path) => {
      if (what !== operation || !path.endsWith(ending)) return false;
      later(1 + random.below(delayUs), "crash in a snapshot", () => crash(isThere()));
      return true;
    };
    machine.running!.node.takeSnapshot().catch(() => {});
    later(100_000, "crash after all", () => crash(false));
    return "waits";
  }

  return {
    leaderCascade() {
      const most = Math.floor((nodes.machines.length - 1) / 2);
      if (most === 0 || leaderNow() === undefined) return false;
      note(`${most === 1 ? "the leader pauses" : `${most} leaders pause, one after the other`}`);
      pauseLeaders(most, toolbox.world.nowUs + ms(800, 1_800));
      return true;
    },
    /** What the leader writes arrives, but it never learns of it, and dies. */
    lostAcknowledgements() {
      const leader = leaderNow();
      if (leader === undefined || nodes.machines.length === 1) return false;
      note(`${leader.name} hears nobody, then dies`);
      cutAll(nodes.machines, [leader], ms(100, 300));
      impaired.add(leader);
      later(ms(30, 90), `${leader.name} dies`, () => {
        if (leader.running !== null) toolbox.count("lostAcknowledgements");
        nodes.crash(leader, random.chance(0.5) ? "killed" : "vanished");
        impair(leader, ms(100, 500), `restart ${leader.name}`, () => nodes.start(leader));
      });
      return "waits";
    },
    /** A leader that nobody hears gathers a tail that two later leaders know nothing of. */
    staleTail() {
      const leader = leaderNow();
      if (leader === undefined || nodes.machines.length === 1) return false;
      const delayUs = ms(900, 1_400);
      note(`nobody hears ${leader.name} for ${delayUs / 1000} ms, and leadership moves on twice`);
      cutAll([leader], nodes.machines, delayUs);
      impair(leader, delayUs, `${leader.name} is heard again`, () => {});
      const handOver = () => {
        const next = leaderNow();
        if (next !== undefined && next !== leader) next.running!.node.transferLeadership(0).catch(() => {});
      };
      for (const at of [400, 550, 700]) later(at * 1000, "leadership moves on", handOver);
      return true;
    },
    crashInSnapshot: () => crashAt("crashInSnapshot"),
    crashAfterSnapshot: () => crashAt("crashAfterSnapshot"),
  };
}
