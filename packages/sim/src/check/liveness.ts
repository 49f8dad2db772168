import type { AskedItem } from "@quorumguard/audit";
import type { ClientHost } from "../cluster/client-host.ts";
import type { NodeHost } from "../cluster/node-host.ts";
import type { World } from "../world/world.ts";

const second = 1_000_000;

/** With nothing broken any more, nodes must agree and calls must succeed, soon. */
export async function checkLiveness(world: World, nodes: NodeHost, clients: ClientHost): Promise<string[]> {
  const violations: string[] = [];
  const ready = () =>
    nodes.machines.every((machine) => machine.running?.node.status().ready === true) &&
    nodes.machines.some((machine) => machine.running?.node.leads === true);
  if (!(await world.run(world.nowUs + 6 * second, ready))) {
    const states = nodes.machines.map(
      (machine) => `${machine.name}: ${JSON.stringify(machine.running?.node.status())}`,
    );
    violations.push(`liveness: not every node is ready 6 s after everything was mended; ${states.join("; ")}`);
    return violations;
  }
  clients.stop();
  if (!(await world.run(world.nowUs + 6 * second, () => clients.open === 0)))
    violations.push(`liveness: ${clients.open} calls did not end by their deadline`);
  await world.run(world.nowUs + 1.2 * second);
  violations.push(...(await checkCallsSucceed(world, clients)));
  const settled = () =>
    new Set(nodes.machines.map((machine) => machine.running?.node.status().appliedIndex)).size === 1;
  if (!(await world.run(world.nowUs + 2 * second, settled)))
    violations.push("liveness: nodes do not apply the same entries");
  const hashes = new Set(nodes.machines.map((machine) => machine.running?.node.status().stateHash));
  if (settled() && hashes.size !== 1) violations.push(`state machine safety: ${[...hashes].join(" and ")} in the end`);
  return violations;
}

async function checkCallsSucceed(world: World, clients: ClientHost): Promise<string[]> {
  const violations: string[] = [];
  let left = 0;
  for (const machine of clients.machines)
    for (let at = 0; at < 3; at++) {
      left++;
      const rule = { algorithm: 1, limit: 1_000, windowUs: second, burst: 0, policy: "" } as const;
      const items: AskedItem[] = [{ key: "key-0", rule, cost: 1 }];
      world.schedule(at * 20_000, machine.process, "last call", () => {
        void clients.call(machine, items, 2_000).then((record) => {
          left--;
          if (record.error !== null && record.error !== "session_expired")
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
