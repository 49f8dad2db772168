import type { AskedItem, CallerRecord } from "@quorumguard/audit";
import type { ClientHost, ClientMachine } from "../cluster/client-host.ts";
import type { NodeMachine } from "../cluster/node-host.ts";
import type { WaitWorkload } from "../cluster/wait-workload.ts";
import type { Nemesis } from "../faults/nemesis.ts";
import type { World } from "../world/world.ts";

const second = 1_000_000;

/** The run whose faults are over, and the machines that stay dead at first. */
export interface LivenessParts {
  readonly world: World;
  /** Machines of members. */
  readonly machines: () => readonly NodeMachine[];
  readonly clients: ClientHost;
  readonly nemesis: Nemesis;
  readonly dead: readonly NodeMachine[];
  /** What callers waited for, if they did. */
  readonly waits: WaitWorkload | null;
}

/**
 * With nothing broken any more but what stays dead, the rest must agree and calls must succeed, soon; and once the dead are
 * back, all of them.
 *
 * A node that dropped its last write waits for every other voter (SEMANTICS N2, and its published price): while it does, and
 * one of them is dead for good, nothing is asked of the cluster; nor when a learner alone holds what it lost.
 */
export async function checkLiveness(parts: LivenessParts): Promise<string[]> {
  const { world, nemesis, dead } = parts;
  const core = () => parts.machines().filter((machine) => !dead.includes(machine) && !nemesis.lost.has(machine));
  const whole = () => parts.machines().filter((machine) => !nemesis.lost.has(machine));
  if (dead.length > 0) {
    const wrong = await checkServes(parts, core);
    if (wrong === null) world.trace.note(world.nowUs, "a node that dropped its last write waits for who holds it");
    else if (wrong.length > 0) return wrong;
    nemesis.revive(dead);
  }
  return (await checkServes(parts, whole)) ?? [];
}

/** Null: a node that dropped its last write waits for one that is dead, or cannot lead, so there is nothing to ask. */
async function checkServes(
  { world, clients, waits }: LivenessParts,
  machines: () => readonly NodeMachine[],
): Promise<string[] | null> {
  const violations: string[] = [];
  const ready = () =>
    machines().every((machine) => machine.running?.node.status().ready === true) &&
    machines().some((machine) => machine.running?.node.leads === true);
  if (!(await world.run(world.nowUs + 6 * second, ready))) {
    const statuses = machines().map((machine) => machine.running?.node.status());
    if (statuses.some((status) => status?.abstaining === true) && someoneIsMissing(machines())) return null;
    if (onlyLearnersHoldTheEnd(machines())) return null;
    const states = machines().map((machine, at) => `${machine.name}: ${JSON.stringify(statuses[at])}`);
    return [`liveness: not every node is ready 6 s after everything was mended; ${states.join("; ")}`];
  }
  clients.stop();
  if (!(await world.run(world.nowUs + 6 * second, () => clients.open === 0)))
    violations.push(`liveness: ${clients.open} calls did not end by their deadline`);
  await world.run(world.nowUs + 1.2 * second);
  violations.push(...(await checkCallsSucceed(world, clients)));
  if (waits !== null) violations.push(...(await checkTurnsCome(world, clients, waits)));
  await awaitReports(world, clients);
  const settled = () => new Set(machines().map((machine) => machine.running?.node.status().appliedIndex)).size === 1;
  if (!(await world.run(world.nowUs + 2 * second, settled)))
    violations.push("liveness: nodes do not apply the same entries");
  const hashes = new Set(machines().map((machine) => machine.running?.node.status().stateHash));
  if (settled() && hashes.size !== 1) violations.push(`state machine safety: ${[...hashes].join(" and ")} in the end`);
  return violations;
}

/** A learner that is about to be a voter may hold the entry that a voter lost, but never stands for election. */
function onlyLearnersHoldTheEnd(machines: readonly NodeMachine[]): boolean {
  const isLearner = ({ running }: NodeMachine) => running?.node.status().role === "learner";
  const voters = machines.filter((machine) => !isLearner(machine));
  const isAhead = ({ tap: one }: NodeMachine, { tap: other }: NodeMachine) =>
    one.lastTerm > other.lastTerm || (one.lastTerm === other.lastTerm && one.lastIndex > other.lastIndex);
  const isAheadOfAll = (machine: NodeMachine) => voters.every((voter) => isAhead(machine, voter));
  return (
    voters.some(({ mayLack }) => mayLack) && machines.some((machine) => isLearner(machine) && isAheadOfAll(machine))
  );
}

function someoneIsMissing(machines: readonly NodeMachine[]): boolean {
  const members = machines.find((machine) => machine.running !== null)?.running?.node.topology().members ?? [];
  return members.some(
    (member) => member.voter && !machines.some(({ nodeId, running }) => nodeId === member.nodeId && running !== null),
  );
}

/**
 * A client that was let down spares the cluster, looks for it with single calls, and comes back to it with more and more of them:
 * within 2 s all calls are decided by it again.
 */
async function callUntilTaken(
  world: World,
  machine: ClientMachine,
  call: () => Promise<CallerRecord>,
): Promise<CallerRecord> {
  const untilUs = world.nowUs + 2 * second;
  for (;;) {
    const record = await call();
    if (record.error !== "unavailable" || record.applied !== "no" || world.nowUs >= untilUs) return record;
    await world.sleep(100_000, machine.process, "think");
  }
}

/** Where keys are scarce, that there is no room is an answer. */
const isAnswered = ({ error }: CallerRecord) =>
  error === null || /^(session_expired|keys_full|namespace_full)$/.test(error);

async function checkCallsSucceed(world: World, clients: ClientHost): Promise<string[]> {
  const violations: string[] = [];
  let left = 0;
  for (const machine of clients.machines)
    for (let at = 0; at < 3; at++) {
      left++;
      const rule = { algorithm: 1, limit: 1_000, windowUs: second, burst: 0, policy: "" } as const;
      const items: AskedItem[] = [{ key: "key-0", rule, cost: 1 }];
      world.schedule(at * 20_000, machine.process, "last call", () => {
        void callUntilTaken(world, machine, () => clients.call(machine, items, 2_000)).then((record) => {
          left--;
          if (!isAnswered(record))
            violations.push(
              `liveness: a call of ${machine.name} failed with ${record.error} after everything was mended`,
            );
        });
      });
    }
  if (!(await world.run(world.nowUs + 5 * second, () => left === 0)))
    violations.push(`liveness: ${left} last calls never ended`);
  return violations;
}

/**
 * What was admitted without the cluster is told to it now. That all of it is, the audit says: what ended with a session is told of
 * by nobody, and a call that its node never heard of is sent again when the session is renewed.
 */
async function awaitReports(world: World, clients: ClientHost): Promise<void> {
  const isTold = ({ alone, told }: ClientMachine) =>
    told.charged + told.refused + told.unreported >=
    alone.filter(({ allowed, degraded }) => allowed === true && degraded).length;
  await world.run(world.nowUs + 22 * second, () => clients.machines.every(isTold));
}

/** Nothing is ahead of the last ones in their lines, and there is room again within a window for each of them. */
async function checkTurnsCome(world: World, clients: ClientHost, waits: WaitWorkload): Promise<string[]> {
  const violations: string[] = [];
  const item = waits.item(0, 1);
  const timeoutMs = 1_000 + (item.rule.windowUs / 1_000) * clients.machines.length;
  let left = 0;
  for (const machine of clients.machines) {
    left++;
    world.schedule(0, machine.process, "last turn", () => {
      const call = () => clients.wait(machine, item, { timeoutMs, signal: null });
      void callUntilTaken(world, machine, call).then((record) => {
        left--;
        if (isAnswered(record) && record.allowed !== false) return;
        const what = record.error ?? "a denial";
        violations.push(`liveness: the turn of ${machine.name} ended in ${what} after everything was mended`);
      });
    });
  }
  if (!(await world.run(world.nowUs + 8 * second, () => left === 0)))
    violations.push(`liveness: the turns of ${left} last callers never came`);
  return violations;
}
