import type { CallBatch, CallOrigin, Limiter, Operation, OperationResult, Rule, SessionId } from "@quorumguard/limiter";
import { createLimiter } from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { PeerHandlers, SnapshotSink } from "../transport/peer-transport.ts";
import type { Abstention } from "./abstention.ts";
import { leaveTerms, returnIfTold } from "./abstention-end.ts";
import { saysRemoved } from "./admission.ts";
import { PeerFormatError } from "./bytes.ts";
import { drain } from "./drain.ts";
import type { Role } from "./driver.ts";
import { Entrance } from "./entrance.ts";
import { notRunning } from "./failures.ts";
import { hex, loadFoundingNonce } from "./founding-nonce.ts";
import { transferLeadership } from "./hand-over.ts";
import {
  decodeFounding,
  encodeFounding,
  encodeHello,
  FoundingPhase,
  type Hello,
  tryDecodeHello,
} from "./hello-codec.ts";
import { LeaderChanges } from "./leader-changes.ts";
import { Losses } from "./losses.ts";
import { MemberChangeError } from "./member-change-error.ts";
import { checkMemberChange, MemberChanges } from "./member-changes.ts";
import { memberViews } from "./member-views.ts";
import { foundersOf, Members } from "./members.ts";
import { NamespaceWatch } from "./namespace-watch.ts";
import type {
  AppliedState,
  CallSink,
  ClusterNode,
  MemberChange,
  MemberView,
  NodeFailure,
  NodeStatus,
  NodeTopology,
  SubmitOptions,
} from "./node.ts";
import { type NodeOptions, type ResolvedNodeOptions, resolveNodeOptions } from "./node-options.ts";
import { nodeStatus } from "./node-status.ts";
import { openOwnStorage } from "./own-storage.ts";
import { PeerBoard } from "./peer-board.ts";
import { FrameKind } from "./peer-codec.ts";
import { PeerLinks } from "./peer-links.ts";
import { createRunningNode, lookAhead, type RunningNode, silence } from "./running-node.ts";
import { selfHello } from "./self-hello.ts";
import { restoreNewest } from "./snapshots.ts";
import { takeFrame } from "./take-frame.ts";
import { TopologyBoard } from "./topology-board.ts";

/** Between two rounds of founding frames, in milliseconds: hellos are said once per connection, and founders restart. */
const foundingIntervalMs = 50;
/** Makes a node. It does nothing until `start`. @throws {RangeError} when an option is out of bounds, naming it. */
export function createNode(options: NodeOptions): ClusterNode {
  return new Node(resolveNodeOptions(options));
}

class Node implements ClusterNode {
  readonly nodeId: NodeId;
  readonly #options: ResolvedNodeOptions;
  readonly #members: Members;
  readonly #peers: PeerBoard;
  readonly #links: PeerLinks;
  readonly namespaces: NamespaceWatch;
  readonly #board: TopologyBoard;
  readonly #losses: Losses;
  readonly #bootId: string;
  #storage: Storage | null = null;
  #limiter: Limiter | null = null;
  #restoredIndex = 0;
  #entrance: Entrance | null = null;
  #changes: MemberChanges | null = null;
  /** A member no more. */
  #removed = false;
  /** A member said that this newcomer could be added. */
  #wasAwaited = false;
  /** What ran until then. */
  #retired: RunningNode | null = null;
  #nonce = "";
  #abstention: Abstention | null = null;
  #running: RunningNode | null = null;
  /** Commit index that the disk knew of at start: what must be applied before this node is ready. */
  #commitAtStart = 0;
  readonly #leaderChanges = new LeaderChanges();
  #ready = false;
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #failed = false;
  #cancelFounding: () => void = () => {};

  constructor(options: ResolvedNodeOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    const { nodeId, clock, transport, electionMs, founderIds } = options;
    this.#members = new Members(founderIds.map((id) => ({ nodeId: id, address: "", nonce: "" })));
    for (const id of founderIds) this.#members.pin(id, options.peerAddressOf(id));
    this.#peers = new PeerBoard(clock, nodeId, this.#members);
    this.#links = new PeerLinks({
      nodeId,
      members: this.#members,
      peers: this.#peers,
      transport,
      clock,
      graceMs: electionMs,
      dismissed: (peer) => this.#running?.hashes.dismiss(peer),
    });
    this.namespaces = new NamespaceWatch(clock, () => this.applied());
    this.#board = new TopologyBoard(nodeId, this.#members, options.clientAddressOf);
    this.#losses = new Losses({
      ...options,
      members: this.#members,
      peers: this.#peers,
      links: this.#links,
      storage: () => this.#storage!,
      silence: () => this.#silence(),
      failed: (error) => this.#fail(error),
    });
    this.#bootId = hex(options.randomBytes(8));
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { files, randomBytes, nodeId, transport } = this.#options;
    const storage = await openOwnStorage(this.#options, (error) => this.#fail(error));
    this.#storage = storage;
    const { identity } = storage;
    const own = identity?.founders.find((founder) => founder.nodeId === nodeId);
    this.#nonce = own?.nonce ?? (await loadFoundingNonce(files, randomBytes));
    const restored = identity === null ? null : await restoreNewest(storage);
    this.#limiter = restored?.limiter ?? createLimiter();
    this.#restoredIndex = restored?.meta.index ?? 0;
    if (identity !== null) {
      this.#members.found(foundersOf(identity));
      if (restored !== null)
        this.#members.restored(restored.meta.index, restored.meta.confState, restored.meta.members);
      lookAhead(this.#options, storage, this.#restoredIndex, this.#members);
    }
    const { hardState } = storage.initialState();
    this.#commitAtStart = hardState.commit;
    if (storage.recovery.droppedLastFrame) this.#abstention = await leaveTerms(nodeId, storage, this.#options.log);
    this.#entrance = new Entrance({
      options: this.#options,
      storage,
      nonce: this.#nonce,
      hasHistory: hardState.term > 0 || storage.lastIndex() > 0,
      members: this.#members,
      links: this.#links,
      formed: (clusterId) => this.#formed(clusterId),
      announce: () => this.#announce(),
      failed: (error) => this.#fail(error),
    });
    this.#members.listen(() => this.#membersChanged());
    await transport.start(this.#handlers());
    if (this.#stopping !== null) return;
    this.#links.open();
    this.#entrance.begin();
    this.#foundingLoop();
  }

  submit(origin: CallOrigin, batch: CallBatch, options: SubmitOptions, sink: CallSink): void {
    if (this.#running === null || this.#stopping !== null) sink.failed(0, batch.calls, this.#notYet());
    else this.#running.desk.submit(origin, batch, options, sink);
  }

  operate(
    operation: Exclude<Operation, { kind: "calls" }>,
    options: SubmitOptions,
    done: (outcome: OperationResult | NodeFailure) => void,
  ): void {
    if (this.#running === null || this.#stopping !== null) done(this.#notYet());
    else this.#running.desk.operate(operation, options, done);
  }

  peek(namespace: string, rule: Rule, key: Uint8Array, cost: number, options: SubmitOptions, sink: CallSink): void {
    if (this.#running === null || this.#stopping !== null) sink.failed(0, 1, this.#notYet());
    else this.#running.desk.peek(namespace, rule, key, cost, options, sink);
  }

  ask(question: Uint8Array, options: SubmitOptions, answered: (answer: Uint8Array | NodeFailure) => void): void {
    if (this.#running === null || this.#stopping !== null) answered(this.#notYet());
    else this.#running.desk.ask(question, options, answered);
  }

  applied(): AppliedState | null {
    return this.#running?.driver.limiter ?? this.#limiter;
  }

  knowsSession(session: SessionId, nonce: Uint8Array): boolean {
    return this.#running?.driver.limiter.knowsSession(session, nonce) ?? false;
  }

  get leads(): boolean {
    return this.#running?.driver.leads ?? false;
  }

  stampUs(): number {
    return this.#running?.stamp.nowUs() ?? this.#limiter?.stampUs ?? 0;
  }

  topology(): NodeTopology {
    return this.#board.topology;
  }

  onTopology(listener: (topology: NodeTopology) => void): () => void {
    return this.#board.listen(listener);
  }

  status(): NodeStatus {
    return nodeStatus({
      running: this.#running,
      storage: this.#storage,
      limiter: this.#limiter,
      restoredIndex: this.#restoredIndex,
      leaderChanges: this.#leaderChanges.count,
      isVoter: this.#members.isVoter(this.nodeId),
      joining: this.#entrance?.phase === FoundingPhase.joining,
      removed: this.#removed,
      ready: this.#isReady(),
    });
  }

  transferLeadership(to: NodeId): Promise<{ readonly leaderId: NodeId; readonly term: number }> {
    const [running, members, board] = [this.#running, this.#members, this.#board];
    return transferLeadership(to, { ...this.#options, running, members, board });
  }

  members(): readonly MemberView[] {
    const raft = this.#running?.driver.raft.status() ?? null;
    return memberViews(this.nodeId, this.#members, this.#peers, raft, this.#options.clock.monotonicMs());
  }

  async changeMembers(change: MemberChange): Promise<readonly MemberView[]> {
    checkMemberChange(change);
    if (this.#changes === null || this.#stopping !== null)
      throw new MemberChangeError("refused", this.#notYet().message, 0, this.#board.topology.term);
    await this.#changes.change(change);
    return this.members();
  }

  async takeSnapshot(): Promise<{ readonly index: number; readonly bytes: number }> {
    if (this.#running === null) throw new Error(this.#notYet().message);
    return this.#running.snapshots.cut();
  }

  async drain(timeoutMs: number): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    const handOver = () => this.transferLeadership(0);
    await drain(timeoutMs, { ...this.#options, running, failed: () => this.#failed, handOver });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#silence();
    // A start that is under way is let come to rest: it opens what has to be closed.
    await this.#starting?.catch(() => {});
    await this.#options.transport.close();
    await (this.#running ?? this.#retired)?.snapshots.settled();
    await this.#storage?.close();
  }

  /** Takes the node out of every conversation at once. */
  #silence(): void {
    this.#cancelFounding();
    this.#links.close();
    this.#changes?.stop();
    if (this.#running !== null) silence(this.#running);
  }

  /** House rule: storage failure is fatal. Nothing is said after it. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#options.log("error", "node-failed", { error: failure.message });
    this.#silence();
    this.#stopping ??= this.#options.transport.close();
    this.#options.onFatal(failure);
  }

  #notYet(): NodeFailure {
    if (this.#removed) return notRunning(this.nodeId, "removed");
    if (this.#stopping !== null) return notRunning(this.nodeId, "stopping");
    return notRunning(this.nodeId, this.#entrance?.phase === FoundingPhase.joining ? "joining" : "forming");
  }

  #isReady(): boolean {
    // Also one that was ready before: a node that failed, or was told to stop, answers nothing more.
    if (this.#failed || this.#stopping !== null) return false;
    if (this.#ready) return true;
    const driver = this.#running?.driver;
    if (driver === undefined || driver.role.leader === 0 || !driver.caughtUp) return false;
    if (driver.appliedIndex < this.#commitAtStart) return false;
    this.#ready = true;
    return true;
  }

  #formed(clusterId: string): void {
    if (this.#stopping !== null) return;
    if (this.#members.changeIndex === 0) this.#members.found(foundersOf(this.#storage!.identity!));
    if (this.#members.wasRemoved(this.nodeId)) {
      this.#retire();
      return;
    }
    this.#board.set(clusterId, 0, this.#storage!.initialState().hardState.term);
    this.#options.log("info", "formed", { clusterId });
    this.#run();
    this.#returnIfTold();
  }

  #returnIfTold(): void {
    const raft = this.#running?.driver.raft;
    if (this.#abstention === null || raft === undefined) return;
    returnIfTold(this.#abstention, raft, this.#members, this.#peers, this.#options.log);
  }

  #run(): void {
    this.#running = createRunningNode({
      options: this.#options,
      storage: this.#storage!,
      limiter: this.#limiter!,
      restoredIndex: this.#restoredIndex,
      peers: this.#peers,
      members: this.#members,
      namespaces: this.namespaces,
      abstains: this.#abstention !== null,
      roleChanged: (now) => this.#roleChanged(now),
      appliedOther: (entry) => this.#changes?.applied(entry),
      lossProven: (message, proof) => this.#losses.proven(message, proof),
      settled: () => this.#settleDroppedFrame(),
      failed: (error) => this.#fail(error),
    });
    const { clock, electionMs } = this.#options;
    this.#changes = new MemberChanges({
      nodeId: this.nodeId,
      driver: this.#running.driver,
      members: this.#members,
      peers: this.#peers,
      links: this.#links,
      admission: this.#entrance!.admission!,
      clock,
      electionMs,
      handOver: () => this.transferLeadership(0),
    });
    this.#running.driver.start();
  }

  /** Told by the members whenever they change, within a turn. */
  #membersChanged(): void {
    this.#links.sync();
    this.#board.membersChanged();
    if (this.#entrance?.phase === FoundingPhase.formed) this.#announce();
    if (!this.#members.wasRemoved(this.nodeId)) return;
    // What this node still has to say, such as that its own removal is committed, has an election timeout to get through.
    this.#options.clock.setTimer(() => this.#retire(), this.#options.electionMs);
  }

  /** This node was removed, and ids are not reused: it never speaks as a member again. */
  #retire(): void {
    if (this.#removed || this.#stopping !== null || this.#failed) return;
    this.#removed = true;
    const clusterId = this.#entrance?.clusterId ?? "";
    this.#options.log("warn", "removed", { nodeId: this.nodeId, clusterId });
    this.#silence();
    this.#retired = this.#running;
    this.#running = null;
    this.#changes = null;
    this.#board.set(clusterId, 0, this.#storage?.initialState().hardState.term ?? 0);
    this.#options.onRemoved();
  }

  /** All that may have been lost is in the log again: it needs no more care, restarts included. */
  #settleDroppedFrame(): void {
    this.#abstention = null;
    this.#options.log("info", "abstention-settled", {});
    this.#storage!.settleDroppedFrame().catch((error: unknown) => this.#fail(error));
  }

  #roleChanged(now: Role): void {
    this.#changes?.roleChanged(now);
    if (this.#leaderChanges.heard(now.leader, now.term)) {
      this.#options.log("info", "leader", { leader: now.leader, term: now.term });
    }
    this.#board.set(this.#entrance!.clusterId, now.leader, now.term);
  }

  #foundingLoop(): void {
    if (this.#stopping !== null || this.#failed || this.#entrance?.phase === FoundingPhase.formed) return;
    this.#announce();
    this.#cancelFounding = this.#options.clock.setTimer(() => this.#foundingLoop(), foundingIntervalMs);
  }

  #announce(): void {
    for (const peer of this.#peers.peers) this.#options.transport.send(peer.nodeId, encodeFounding(this.#self()));
  }

  #self(): Hello {
    return selfHello({
      nodeId: this.nodeId,
      bootId: this.#bootId,
      nonce: this.#nonce,
      options: this.#options,
      storage: this.#storage!,
      entrance: this.#entrance,
      members: this.#members,
      abstains: this.#abstention !== null,
      term: this.#running?.driver.raft.term ?? null,
    });
  }

  #handlers(): PeerHandlers {
    return {
      hello: () => encodeHello(this.#self()),
      onHello: (from, bytes) => this.#heardHello(from, bytes),
      onFrame: (from, frame) => this.#heardFrame(from, frame),
      onDown: (peer, refused) => this.#peerDown(peer, refused),
      onRefused: (_peer, reason) => this.#refusedBy(reason),
      onSnapshot: (from, head, image): Promise<SnapshotSink | null> =>
        this.#running?.snapshots.receive(from, head, image) ?? Promise.resolve(null),
    };
  }

  #heardHello(from: NodeId, bytes: Uint8Array): string | null {
    const hello = tryDecodeHello(bytes);
    if (typeof hello === "string") return hello;
    if (hello.nodeId !== from) return `the connection of node ${from} says hello as node ${hello.nodeId}`;
    if (this.#failed) return `node ${this.nodeId} has stopped`;
    if (this.#removed) return `node ${this.nodeId} was removed from the cluster`;
    const reason = this.#losses.judge.judge(hello, this.#entrance!);
    if (reason !== null) return reason;
    const peer = this.#peers.get(from);
    if (peer === undefined) return `node ${from} is not a founder of this cluster`;
    const before = peer.hello;
    peer.hello = hello;
    peer.up = true;
    // A transport may learn addresses from the same hello, after this returns.
    if (before === null) this.#options.clock.endOfTurn(() => this.#board.refresh());
    else if (before.bootId !== hello.bootId) {
      // A new process answers in the place of a peer: the old one, and all that was with it, is gone.
      this.#running?.forwarder.lost(from, `node ${from} restarted while the call was with it`);
      this.#running?.leadership.provenDead(from);
    }
    this.#abstention?.heard(hello);
    this.#returnIfTold();
    return null;
  }

  /** A peer does not take our hello. That this node was removed it may say for certain: only a committed entry can have made it know. */
  #refusedBy(reason: string): void {
    if (this.#losses.refusedFor(reason)) return;
    const isNew = this.#entrance?.phase === FoundingPhase.joining && !this.#wasAwaited;
    if (!saysRemoved(reason)) this.#wasAwaited = true;
    else if (isNew) this.#fail(new Error(reason));
    // A newcomer whose id was free when it asked was added, and removed before it came in.
    else this.#retire();
  }

  #peerDown(peer: NodeId, refused: boolean): void {
    const facts = this.#peers.get(peer);
    if (facts === undefined) return;
    facts.up = false;
    const running = this.#running;
    if (running === null) return;
    running.forwarder.lost(peer, `the connection to node ${peer} was lost while the call was with it`);
    if (refused) running.leadership.provenDead(peer);
    else running.leadership.unreachable(peer);
  }

  /** @throws {PeerFormatError} on garbage: the transport closes the connection and says why. */
  #heardFrame(from: NodeId, frame: Uint8Array): void {
    if (this.#failed || this.#stopping !== null || this.#peers.get(from) === undefined) return;
    if (frame[0] === FrameKind.founding) this.#heardFounding(from, frame);
    else if (this.#running !== null) takeFrame(this.#running, this.nodeId, from, frame);
  }

  #heardFounding(from: NodeId, frame: Uint8Array): void {
    const hello = decodeFounding(frame);
    if (hello.nodeId !== from) throw new PeerFormatError(`node ${from} speaks as node ${hello.nodeId}`);
    const entrance = this.#entrance;
    if (entrance === null) return;
    this.#losses.judge.judge(hello, entrance);
    // It asks because it does not know yet; one answer per question keeps this bounded.
    if (entrance.phase === FoundingPhase.formed && hello.phase !== FoundingPhase.formed) {
      this.#options.transport.send(from, encodeFounding(this.#self()));
    }
  }
}
