import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { freePorts, type LocalStatus, type NodeEnd, NodeProcesses, readStatus } from "@quorumguard/testbed";
import { passing } from "../network/direction.ts";
import { LinkProxy } from "../network/link-proxy.ts";
import type { Wiretap } from "../network/wiretap.ts";
import { foldersOf, type Instrument, launchOf, type NodeKind, type NodePlan } from "./node-plan.ts";
import { openSmallDisk, type SmallDisk } from "./small-disk.ts";
import { createTimeWatch, type TimeWatch } from "./time-watch.ts";

/** Real nodes, and every link between them in our hands; to their clients, clocks and disks as well, where there are instruments for it. */
export interface NemesisCluster {
  readonly nodeIds: readonly number[];
  /** Where clients reach the nodes: through links, if there are any. */
  readonly endpoints: readonly string[];
  readonly time: TimeWatch;
  /** What nodes did that they must not, such as to end by themselves. */
  readonly violations: readonly string[];
  /** The node with the full disk, and the disk; or why there is none. */
  readonly smallDisk: { readonly nodeId: number; readonly disk: SmallDisk } | string;
  start(nodeId: number, kind?: NodeKind): Promise<void>;
  /** Starts a node whose folder is damaged: the others make up for it. */
  startForRepair(nodeId: number): Promise<void>;
  /** A node's data folder, as it is seen from here. */
  dataFolder(nodeId: number): string;
  /** SIGKILL. `silent`: as if its host had gone too, nothing refuses connections. */
  kill(nodeIds: readonly number[], silent?: boolean): Promise<void>;
  /** SIGTERM; resolves once it is gone. */
  terminate(nodeId: number): Promise<void>;
  /** Resolves once the node has heard of a leader since it started; false: it has not after so long. */
  ready(nodeId: number, timeoutMs: number): Promise<boolean>;
  /** Resolves once every node has applied all that any of them knew to be committed; false: not after so long. */
  caughtUp(timeoutMs: number): Promise<boolean>;
  /** Kills a process that may have ended by itself meanwhile, for a reason that was to be expected. */
  bury(nodeId: number): Promise<void>;
  signal(nodeId: number, signal: "SIGSTOP" | "SIGCONT" | "SIGUSR2"): void;
  pid(nodeId: number): number | null;
  kindOf(nodeId: number): NodeKind;
  isUp(nodeId: number): boolean;
  /** From now on, until it is started again, the node may end by itself. Resolves with its end. */
  mayEnd(nodeId: number): Promise<NodeEnd>;
  stepClock(nodeId: number, stepMs: number): void;
  /** From now on the node's flushes hang, or are let go. */
  hangFlushes(nodeId: number, hang: boolean): void;
  /** The leader of the newest term that the wire has shown. */
  leader(): number;
  peerLink(from: number, to: number): LinkProxy;
  clientLink(nodeId: number): LinkProxy;
  /** All links pass, and all that lead to running nodes are open. */
  healLinks(): Promise<void>;
  status(nodeId: number): Promise<LocalStatus | null>;
  /** SIGTERM to all; resolves with the exit codes, by node. */
  stop(): Promise<readonly (number | null)[]>;
  killAll(): void;
}

/** What a cluster is made of. */
export interface NemesisClusterOptions {
  readonly folder: string;
  /** What each node is at first. */
  readonly kinds: readonly NodeKind[];
  readonly wiretap: Wiretap;
  readonly instruments: readonly Instrument[];
}

/** Prepares nodes and links; nothing is started yet. */
export async function createNemesisCluster(options: NemesisClusterOptions): Promise<NemesisCluster> {
  const { folder, wiretap, instruments } = options;
  const count = options.kinds.length;
  const nodeIds = Array.from({ length: count }, (_, at) => at + 1);
  const ports = [...(await freePorts(count * 4 + count * count))];
  const own = nodeIds.map(() => ({ grpcPort: ports.pop()!, httpPort: ports.pop()!, peerPort: ports.pop()! }));
  const peerLinks = nodeIds.map((from) =>
    nodeIds.map(
      (to) =>
        new LinkProxy({
          port: ports.pop()!,
          targetPort: own[to - 1]!.peerPort,
          tap: () => wiretap.connection(from, to),
        }),
    ),
  );
  const clientLinks = instruments.includes("clientLinks")
    ? own.map(({ grpcPort }) => new LinkProxy({ port: ports.pop()!, targetPort: grpcPort }))
    : [];
  const peerLink = (from: number, to: number) => peerLinks[from - 1]![to - 1]!;
  const linksTo = (nodeId: number) => [
    ...nodeIds.filter((from) => from !== nodeId).map((from) => peerLink(from, nodeId)),
    ...(instruments.includes("clientLinks") ? [clientLinks[nodeId - 1]!] : []),
  ];
  const needs = (instrument: Instrument) => {
    if (!instruments.includes(instrument)) throw new Error(`this cluster was made without ${instrument}`);
  };

  // The last node has a disk of its own, where the system allows it.
  const small = nodeIds.at(-1)!;
  mkdirSync(foldersOf(folder, small).data, { recursive: true });
  const disk = await openSmallDisk(foldersOf(folder, small).data).catch((error: Error) => error.message);
  const smallDisk = typeof disk === "string" ? disk : { nodeId: small, disk };

  const plans = nodeIds.map((nodeId): NodePlan => {
    const cluster = nodeIds.map((id) => ({
      nodeId: id,
      port: id === nodeId ? own[id - 1]!.peerPort : peerLink(nodeId, id).port,
    }));
    const { data, clock, hang } = foldersOf(folder, nodeId);
    const wrapper = typeof smallDisk === "object" && nodeId === small ? smallDisk.disk.wrapper : [];
    const clientPort = clientLinks[nodeId - 1]?.port ?? own[nodeId - 1]!.grpcPort;
    const files = { dataFolder: data, clockFile: clock, hangFile: hang };
    return { nodeId, ...own[nodeId - 1]!, cluster, clientPort, instruments, ...files, wrapper };
  });
  const kinds = new Map<number, NodeKind>(options.kinds.map((kind, at) => [at + 1, kind]));
  const violations: string[] = [];
  const time = createTimeWatch(count);
  const ends = new Map<number, (end: NodeEnd) => void>();
  /** Their processes have come so far that they know what a signal means. */
  const speaking = new Set<number>();

  const processes = new NodeProcesses({
    onLog(nodeId, text) {
      appendFileSync(foldersOf(folder, nodeId).log, text);
      // What a killed process said last is still in its pipe.
      if (processes.pid(nodeId) === null) return;
      speaking.add(nodeId);
      if (/"leaderId":[1-9]/.test(text)) time.learned(nodeId);
    },
    onEnd(end) {
      time.lost(end.nodeId);
      shut(end.nodeId);
      const expected = ends.get(end.nodeId);
      if (expected !== undefined) expected(end);
      else violations.push(`node ${end.nodeId} ended by itself (${end.code ?? end.signal}): ${end.tail}`);
    },
  });

  /** Links to a dead process refuse, as its machine would. */
  function shut(nodeId: number): void {
    for (const link of linksTo(nodeId)) link.refuse();
  }
  async function open(nodeId: number): Promise<void> {
    await Promise.all(linksTo(nodeId).map((link) => link.open()));
  }
  async function end(nodeId: number, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    ends.delete(nodeId);
    time.lost(nodeId);
    const code = await processes.end(nodeId, signal);
    // Its last words may have come after the signal.
    time.lost(nodeId);
    return code;
  }

  const status = (nodeId: number) => readStatus(nodeId, `http://127.0.0.1:${own[nodeId - 1]!.httpPort}`);
  async function start(nodeId: number, kind: NodeKind, repair = false): Promise<void> {
    kinds.set(nodeId, kind);
    ends.delete(nodeId);
    const { flags, launch } = launchOf(plans[nodeId - 1]!, kind, repair);
    speaking.delete(nodeId);
    processes.start(nodeId, flags, launch);
    await open(nodeId);
  }

  return {
    nodeIds,
    endpoints: plans.map(({ clientPort }) => `127.0.0.1:${clientPort}`),
    time,
    violations,
    smallDisk,
    peerLink,
    clientLink(nodeId) {
      needs("clientLinks");
      return clientLinks[nodeId - 1]!;
    },
    start: (nodeId, kind) => start(nodeId, kind ?? kinds.get(nodeId)!),
    startForRepair: (nodeId) => start(nodeId, kinds.get(nodeId)!, true),
    dataFolder: (nodeId) =>
      typeof smallDisk === "object" && nodeId === small ? smallDisk.disk.outside : foldersOf(folder, nodeId).data,
    async kill(victims, silent = false) {
      if (!silent) for (const nodeId of victims) shut(nodeId);
      await Promise.all(victims.map((nodeId) => end(nodeId, "SIGKILL")));
    },
    async terminate(nodeId) {
      const knew = speaking.has(nodeId);
      const code = await end(nodeId, "SIGTERM");
      shut(nodeId);
      // Before it has come so far as to know the signal, it may end by it.
      if (code !== 0 && (code !== null || knew))
        violations.push(`node ${nodeId} was asked to stop and exited with ${code}`);
    },
    async bury(nodeId) {
      shut(nodeId);
      await end(nodeId, "SIGKILL");
    },
    async ready(nodeId, timeoutMs) {
      const deadlineMs = performance.now() + timeoutMs;
      while (!time.knows(nodeId)) {
        if (performance.now() > deadlineMs) return false;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return true;
    },
    async caughtUp(timeoutMs) {
      const deadlineMs = performance.now() + timeoutMs;
      let goal = 0;
      for (;;) {
        const all = await Promise.all(nodeIds.map(status));
        if (goal === 0) goal = Math.max(...all.map((one) => one?.commitIndex ?? 0));
        if (goal > 0 && all.every((one) => one !== null && one.appliedIndex >= goal)) return true;
        if (performance.now() > deadlineMs) return false;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    signal: (nodeId, signal) => void processes.signal(nodeId, signal),
    pid: (nodeId) => processes.pid(nodeId),
    kindOf: (nodeId) => kinds.get(nodeId)!,
    isUp: (nodeId) => processes.pid(nodeId) !== null,
    mayEnd: (nodeId) => new Promise((resolve) => ends.set(nodeId, resolve)),
    stepClock(nodeId, stepMs) {
      needs("clock");
      writeFileSync(foldersOf(folder, nodeId).clock, String(stepMs));
      if (speaking.has(nodeId)) processes.signal(nodeId, "SIGUSR2");
    },
    hangFlushes(nodeId, hang) {
      needs("flushes");
      const file = foldersOf(folder, nodeId).hang;
      if (hang) writeFileSync(file, "");
      else rmSync(file, { force: true });
      if (speaking.has(nodeId)) processes.signal(nodeId, "SIGUSR2");
    },
    leader: () => wiretap.leaders.get([...wiretap.leaders.keys()].reduce((a, b) => Math.max(a, b), 0)) ?? nodeIds[0]!,
    async healLinks() {
      for (const link of [...peerLinks.flat(), ...clientLinks]) link.shape(passing, passing);
      await Promise.all(nodeIds.filter((nodeId) => processes.pid(nodeId) !== null).map(open));
    },
    status,
    stop: () => Promise.all(nodeIds.map((nodeId) => end(nodeId, "SIGTERM"))),
    killAll() {
      processes.killAll();
      for (const link of [...peerLinks.flat(), ...clientLinks]) link.close();
      if (typeof smallDisk === "object") smallDisk.disk.close();
    },
  };
}
