import type { NodeLog } from "@quorumguard/cluster";
import type { Bounds } from "@quorumguard/limiter";
import { createDiskTap, type DiskTap, type DiskTapEvents } from "../check/disk-tap.ts";
import { createDiskFiles, type DiskOperation, type DiskSpeed, type SpoilWrite } from "../disk/disk-files.ts";
import type { LossMode } from "../disk/inode.ts";
import { createVirtualDisk, type VirtualDisk } from "../disk/virtual-disk.ts";
import { type ClientNetwork, endpointOf } from "../network/client-network.ts";
import type { DeathKind, PeerNetwork } from "../network/peer-network.ts";
import { type ClusterNode, createNode, type NodeLimits, type NodeTimings } from "../production.ts";
import { createMachineClock, createProcessClock, type MachineClock } from "../world/machine-clock.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import { createRepeatedNotes } from "../world/repeated-notes.ts";
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
  /** Told of each operation of the disk, until it says that it has heard enough: faults wait here for their moment. */
  awaitDisk: ((operation: DiskOperation, path: string) => boolean) | null;
  /** The next operation of this kind fails with this error. */
  nextError: NextError | null;
  /** What a bad disk does to what is written. */
  spoilWrite: SpoilWrite | null;
  /** Reasons that faults have given the node to stop, or to refuse to start. Without one it must not. */
  readonly excuses: Set<Excuse>;
  /** Follows the log to the platter. */
  readonly tap: DiskTap;
  /** Whether others take it for a release of the future: its frames and hellos carry a version that they do not know. */
  newer: boolean;
  /** Its operator lets it start on damaged data, for the others to repair. */
  repairs: boolean;
  /** Its disk lost, or falsified, what it had called durable. */
  mayForget: boolean;
  /** Power failed, or it abstained when it ended, and nobody has seen yet that it came back with all of its log. */
  mayLack: boolean;
  onDisk(operation: DiskOperation, path: string): Error | null;
}

/** An error that waits for its operation. */
export interface NextError {
  readonly operation: DiskOperation;
  readonly error: Error;
  /** The operation has come, and fails. */
  struck(): void;
}

/** Why a node may fail, and what becomes of it then. */
export interface Excuse {
  explains(error: Error): boolean;
  /** Called outside the node's own turn. */
  failed(): void;
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
  readonly options: NodeTimings & NodeLimits;
  /** Bytes of a snapshot that travel at once. */
  readonly pieceBytes: number;
  readonly diskSpeed: DiskSpeed;
}

/** The machines of a cluster and the power switch of each. */
export interface NodeHost {
  /** Those in use: a retired one is gone for good. */
  readonly machines: readonly NodeMachine[];
  /** Retired ones too. */
  readonly everyMachine: readonly NodeMachine[];
  /** Another machine, with an id that nobody ever had, for a node that is to join. */
  add(): NodeMachine;
  /** Switches a machine off for good. */
  retire(machine: NodeMachine): void;
  start(machine: NodeMachine): void;
  /** `killed`: what was written stays. `vanished`: power is gone, and what was not flushed with it. */
  crash(machine: NodeMachine, kind: DeathKind, modes?: readonly LossMode[]): void;
  /** Writes that power cuts short leave nothing or all of themselves: nobody could make up for one more torn log. */
  keepsWritesWhole: boolean;
  /** SIGTERM: hands over, drains, ends. Resolves once the process is gone. */
  shutDown(machine: NodeMachine): Promise<void>;
  readonly fatal: readonly string[];
}

/** What those who watch nodes want to be told. */
export interface NodeEvents {
  /** A node's own log line. */
  logged(machine: NodeMachine, event: string, fields: Readonly<Record<string, unknown>>): void;
  /** A machine's next process is about to begin. */
  starting(machine: NodeMachine): void;
  /** A process is about to end for a reason outside itself, its node still as it was. */
  crashing(machine: NodeMachine, kind: DeathKind): void;
  replaced(machine: NodeMachine, ...what: Parameters<DiskTapEvents["replaced"]>): void;
  durable(machine: NodeMachine, ...what: Parameters<DiskTapEvents["durable"]>): void;
  /** An operation of its disk begins, or for a rename is done. */
  touched(machine: NodeMachine, operation: DiskOperation, path: string): void;
}

const wholeWrites: readonly LossMode[] = ["all-lost", "all-kept"];

/** Makes the machines; none of them runs yet. */
export function createNodeHost(
  world: World,
  random: Random,
  plan: ClusterPlan,
  peers: PeerNetwork,
  clients: ClientNetwork,
  events: NodeEvents,
): NodeHost {
  const fatal: string[] = [];
  const noteRefusal = createRepeatedNotes(world.trace);
  const addressOf = (nodeId: number) => ({
    grpcEndpoint: endpointOf(nodeId),
    httpUrl: `http://node-${nodeId}:7402`,
  });
  const founders = Array.from({ length: plan.nodes }, (_, at) => ({
    nodeId: at + 1,
    ...addressOf(at + 1),
    voter: true,
  }));
  const everyMachine: NodeMachine[] = [];
  for (const { nodeId } of founders) everyMachine.push(createMachine(nodeId));
  let machines: readonly NodeMachine[] = [...everyMachine];

  function createMachine(nodeId: number): NodeMachine {
    const machine: NodeMachine = {
      nodeId,
      name: `node-${nodeId}`,
      clock: createMachineClock(world, random, plan.maxWallOffsetMs),
      disk: createVirtualDisk(),
      diskSpeed: plan.diskSpeed,
      boot: 0,
      running: null,
      awaitDisk: null,
      nextError: null,
      spoilWrite: null,
      excuses: new Set(),
      newer: false,
      repairs: false,
      mayForget: false,
      mayLack: false,
      tap: createDiskTap({
        replaced: (index, term, byTerm) => events.replaced(machine, index, term, byTerm),
        durable: (entries, previousTerm) => events.durable(machine, entries, previousTerm),
      }),
      onDisk(operation, path) {
        events.touched(machine, operation, path);
        if (machine.awaitDisk?.(operation, path) === true) machine.awaitDisk = null;
        const { nextError } = machine;
        if (nextError?.operation !== operation) return null;
        machine.nextError = null;
        nextError.struck();
        return nextError.error;
      },
    };
    return machine;
  }

  function failed(machine: NodeMachine, what: string, error: Error): void {
    world.trace.note(world.nowUs, `${machine.name} ${what}: ${error.message}`);
    const excuse = [...machine.excuses].find((one) => one.explains(error));
    if (excuse === undefined) fatal.push(`${machine.name} ${what}: ${error.stack ?? error.message}`);
    else world.schedule(0, null, `${machine.name} failed`, () => excuse.failed());
  }

  const host: NodeHost = {
    get machines() {
      return machines;
    },
    everyMachine,
    add() {
      const machine = createMachine(everyMachine.length + 1);
      everyMachine.push(machine);
      machines = [...machines, machine];
      return machine;
    },
    retire(machine) {
      host.crash(machine, "killed");
      machines = machines.filter((other) => other !== machine);
    },
    fatal,
    keepsWritesWhole: false,
    start(machine) {
      if (machine.running !== null || !machines.includes(machine)) return;
      events.starting(machine);
      machine.boot++;
      const process = world.spawn(machine.name);
      const life = random.fork(`${machine.name}/${machine.boot}`);
      const log: NodeLog = (level, event, fields) => {
        const line = `${machine.name} ${event} ${JSON.stringify(fields)}`;
        if (event === "hello-refused") noteRefusal(world.nowUs, line);
        else if (level === "debug") world.trace.event(world.nowUs, line);
        else world.trace.note(world.nowUs, line);
        events.logged(machine, event, fields);
      };
      const node = createNode({
        nodeId: machine.nodeId,
        ...(machine.nodeId <= plan.nodes ? { founders } : { join: true }),
        clientAddressOf: addressOf,
        repairDamage: machine.repairs,
        files: createDiskFiles(world, process, machine.disk, life.fork("disk"), machine, machine.tap),
        transport: peers.transport(machine.nodeId, machine.name, process, () => machine.newer),
        clock: createProcessClock(world, process, machine.clock, life.fork("clock"), 100),
        random: () => life.float(),
        randomBytes: (length) => life.bytes(length),
        bounds: plan.bounds,
        log,
        onFatal: (error) => failed(machine, "stopped", error),
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
          (error: unknown) =>
            failed(machine, "did not start", error instanceof Error ? error : new Error(String(error))),
        );
      });
    },
    crash(machine, kind, modes) {
      const running = machine.running;
      if (running === null) return;
      events.crashing(machine, kind);
      if (kind === "vanished" || running.node.status().abstaining) machine.mayLack = true;
      machine.running = null;
      machine.awaitDisk = null;
      machine.nextError = null;
      machine.spoilWrite = null;
      world.trace.note(world.nowUs, `${machine.name} ${kind}`);
      world.kill(running.process);
      peers.died(machine.nodeId, kind);
      clients.died(machine.nodeId, kind);
      if (kind === "vanished") machine.disk.losePower(random, host.keepsWritesWhole ? wholeWrites : modes);
    },
    async shutDown(machine) {
      const running = machine.running;
      if (running === null) return;
      world.trace.note(world.nowUs, `${machine.name} is told to stop`);
      await running.node.drain(1_000);
      // A disk that takes no last note is told of, and the process ends all the same.
      await running.node.stop().catch((error: unknown) => {
        if (!(error instanceof Error && error.name === "StorageError")) throw error;
        world.trace.note(world.nowUs, `${machine.name} stops: ${error.message}`);
      });
      if (machine.running === running) host.crash(machine, "killed");
    },
  };
  return host;
}
