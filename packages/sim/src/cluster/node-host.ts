import type { NodeLog } from "@quorumguard/cluster";
import type { Bounds } from "@quorumguard/limiter";
import { createDiskFiles, type DiskSpeed } from "../disk/disk-files.ts";
import { createVirtualDisk, type VirtualDisk } from "../disk/virtual-disk.ts";
import { type ClientNetwork, endpointOf } from "../network/client-network.ts";
import type { DeathKind, PeerNetwork } from "../network/peer-network.ts";
import { type ClusterNode, createNode, type NodeOptions } from "../production.ts";
import { createMachineClock, createProcessClock, type MachineClock } from "../world/machine-clock.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

/** A machine that runs a node, or did, or will: clock and disk outlive the process. */
export interface NodeMachine {
  readonly nodeId: number;
  readonly name: string;
  readonly clock: MachineClock;
  readonly disk: VirtualDisk;
  /** How fast the disk is right now. */
  diskSpeed: DiskSpeed;
  /** Counts the processes that ran here. */
  boot: number;
  running: RunningProcess | null;
  /** Called once, when the next flush of a file begins: the moment at which power loss hurts most. */
  nextFlush: (() => void) | null;
}

/** One life of a node. */
export interface RunningProcess {
  readonly process: Process;
  readonly node: ClusterNode;
  /** Has known a leader since it started: it then knows what time it is (SEMANTICS T2). */
  knowsTime: boolean;
}

/** Everything about the cluster that the seed chose. */
export interface ClusterPlan {
  readonly nodes: number;
  readonly bounds: Partial<Bounds>;
  readonly sessionTtlMs: number;
  readonly maxWallOffsetMs: number;
  readonly options: Pick<NodeOptions, "snapshotLogBytes" | "trailingEntries" | "segmentBytes">;
  readonly diskSpeed: DiskSpeed;
}

/** The machines of a cluster and the power switch of each. */
export interface NodeHost {
  readonly machines: readonly NodeMachine[];
  start(machine: NodeMachine): void;
  /** `killed`: what was written stays. `vanished`: power is gone, and what was not flushed with it. */
  crash(machine: NodeMachine, kind: DeathKind): void;
  /** SIGTERM: hands over, drains, ends. Resolves once the process is gone. */
  shutDown(machine: NodeMachine): Promise<void>;
  readonly fatal: readonly string[];
}

/** Makes the machines; none of them runs yet. */
export function createNodeHost(
  world: World,
  random: Random,
  plan: ClusterPlan,
  peers: PeerNetwork,
  clients: ClientNetwork,
): NodeHost {
  const fatal: string[] = [];
  const founders = Array.from({ length: plan.nodes }, (_, at) => ({
    nodeId: at + 1,
    grpcEndpoint: endpointOf(at + 1),
    httpUrl: `http://node-${at + 1}:7402`,
    voter: true,
  }));
  const machines = founders.map(
    ({ nodeId }): NodeMachine => ({
      nodeId,
      name: `node-${nodeId}`,
      clock: createMachineClock(world, random, plan.maxWallOffsetMs),
      disk: createVirtualDisk(),
      diskSpeed: plan.diskSpeed,
      boot: 0,
      running: null,
      nextFlush: null,
    }),
  );

  const host: NodeHost = {
    machines,
    fatal,
    start(machine) {
      if (machine.running !== null) return;
      machine.boot++;
      const process = world.spawn(machine.name);
      const life = random.fork(`${machine.name}/${machine.boot}`);
      const log: NodeLog = (level, event, fields) => {
        const line = `${machine.name} ${event} ${JSON.stringify(fields)}`;
        if (level === "debug") world.trace.event(world.nowUs, line);
        else world.trace.note(world.nowUs, line);
      };
      const node = createNode({
        nodeId: machine.nodeId,
        founders,
        files: createDiskFiles(
          world,
          process,
          machine.disk,
          life.fork("disk"),
          () => machine.diskSpeed,
          () => flushBegins(machine),
        ),
        transport: peers.transport(machine.nodeId, machine.name, process),
        clock: createProcessClock(world, process, machine.clock, life.fork("clock"), 100),
        random: () => life.float(),
        randomBytes: (length) => life.bytes(length),
        bounds: plan.bounds,
        log,
        onFatal: (error) => {
          fatal.push(`${machine.name} stopped: ${error.stack ?? error.message}`);
          world.trace.note(world.nowUs, `${machine.name} FATAL ${error.message}`);
        },
        ...plan.options,
      });
      const running = { process, node, knowsTime: false };
      machine.running = running;
      world.trace.note(world.nowUs, `${machine.name} starts, boot ${machine.boot}`);
      world.schedule(0, process, "start", () => {
        node.start().then(
          () => {
            clients.listen({
              nodeId: machine.nodeId,
              machine: machine.name,
              process,
              node,
              sessionTtlMs: plan.sessionTtlMs,
            });
          },
          (error: unknown) => {
            fatal.push(`${machine.name} did not start: ${error instanceof Error ? error.stack : String(error)}`);
          },
        );
      });
    },
    crash(machine, kind) {
      const running = machine.running;
      if (running === null) return;
      machine.running = null;
      world.trace.note(world.nowUs, `${machine.name} ${kind}`);
      world.kill(running.process);
      peers.died(machine.nodeId, kind);
      clients.died(machine.nodeId, kind);
      if (kind === "vanished") machine.disk.losePower(random);
    },
    async shutDown(machine) {
      const running = machine.running;
      if (running === null) return;
      world.trace.note(world.nowUs, `${machine.name} is told to stop`);
      await running.node.drain(1_000);
      await running.node.stop();
      if (machine.running === running) host.crash(machine, "killed");
    },
  };
  return host;
}

function flushBegins(machine: NodeMachine): void {
  const listener = machine.nextFlush;
  machine.nextFlush = null;
  listener?.();
}
