import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { opensHold } from "@quorumguard/limiter";
import {
  type AllowBatchRequest,
  AllowBatchRequestSchema,
  AllowBatchResponseSchema,
  Applied,
  type DecisionSchema,
  decodeSessionRequest,
  ErrorDetailSchema,
  ErrorReason,
  encodeFrameReply,
  encodeSessionResponse,
  GetTermsRequestSchema,
  GetTermsResponseSchema,
  GetTopologyResponseSchema,
  PeekRequestSchema,
  PeekResponseSchema,
  type PolicyTermsSchema,
  type ReceivedFrame,
  readUtf8,
  type TopologySchema,
} from "@quorumguard/proto";
import {
  type StreamConnection,
  type StreamHandlers,
  type StreamTransport,
  TransportError,
  type UnaryCall,
} from "../transport.ts";

/** What a frame's calls come to. */
export type Answers = (frame: ReceivedFrame, stream: ScriptedStream) => void;

/** What a reply tells of each item beside its outcome; left out: a fixed value. */
export interface ToldByReply {
  readonly index?: number;
  readonly asOfIndex?: number;
  readonly policyVersion?: number;
  readonly remaining?: number;
  readonly resetAfterMs?: number;
  readonly retryAfterMs?: number;
  readonly firmForMs?: number;
}

/** A frame as a test looks at it. */
export interface SeenFrame {
  readonly endpoint: string;
  readonly frame: ReceivedFrame;
  readonly keys: readonly string[];
}

/** One open Session stream, from the node's side. */
export class ScriptedStream {
  readonly node: ScriptedNode;
  readonly handlers: StreamHandlers;
  open = true;

  constructor(node: ScriptedNode, handlers: StreamHandlers) {
    this.node = node;
    this.handlers = handlers;
  }

  send(message: Parameters<typeof encodeSessionResponse>[0]): void {
    this.raw(encodeSessionResponse(message));
  }

  raw(bytes: Uint8Array): void {
    if (this.open) this.handlers.onMessage(bytes);
  }

  /** Answers all calls of a frame with one outcome; 1 is "allowed". Reserves and grants get holds numbered from 101 on, open for a minute unless they or `told` say. */
  reply(frame: ReceivedFrame, outcome = 1, source = 1, told: ToldByReply = {}): void {
    const column = (value: number) => new Array<number>(frame.items).fill(value);
    const opens = column(0).map(
      (_, item) => outcome === 1 && frame.sizes === null && opensHold(frame.verbs?.[item] ?? 0),
    );
    this.raw(
      encodeFrameReply({
        firstNumber: frame.firstNumber,
        calls: frame.calls,
        index: told.index ?? 7,
        asOfIndex: told.asOfIndex ?? told.index ?? 7,
        stampUs: 1_000_000,
        policyVersion: told.policyVersion ?? 0,
        source,
        results: {
          outcomes: column(outcome),
          remaining: column(told.remaining ?? 4),
          resetAfterMs: column(told.resetAfterMs ?? 1_000),
          retryAfterMs: column(told.retryAfterMs ?? (outcome === 1 ? 0 : 250)),
          firmForMs: opens.map((does, item) =>
            does ? frame.ttlsMs![item] || (told.firmForMs ?? 60_000) : (told.firmForMs ?? 0),
          ),
          handles: opens.map((does) => (does ? ++this.node.lastHandle : 0)),
          limits: column(0),
          shadows: column(0),
        },
        tellLimits: false,
        fromItem: 0,
        toItem: frame.items,
      }),
    );
  }

  fail(frame: ReceivedFrame | null, detail: MessageInitShape<typeof ErrorDetailSchema>): void {
    const value = {
      firstNumber: BigInt(frame?.firstNumber ?? 0),
      calls: frame?.calls ?? 0,
      detail: create(ErrorDetailSchema, detail),
    };
    this.send({ case: "error", value });
  }

  close(error = new TransportError("unknown", "the stream broke")): void {
    if (!this.open) return;
    this.open = false;
    this.node.streams.delete(this);
    this.handlers.onClose(error);
  }
}

/** A member that says what the test wants. */
export class ScriptedNode {
  readonly nodeId: number;
  readonly endpoint: string;
  readonly streams = new Set<ScriptedStream>();
  /** How connecting to it fails; null: it is up. */
  down: TransportError | null = null;
  /** Answers frames; default: all are allowed. */
  answers: Answers = (frame, stream) => stream.reply(frame);
  readonly noForward: boolean[] = [];
  lastHandle = 100;
  /** The cluster that it leads alone; null: it is a member of the scripted one. */
  otherClusterId: string | null = null;

  constructor(nodeId: number, endpoint: string) {
    this.nodeId = nodeId;
    this.endpoint = endpoint;
  }

  /** Ends all streams and refuses new ones. */
  kill(): void {
    this.down = new TransportError("not-sent", `${this.endpoint}: connection refused`);
    for (const stream of [...this.streams]) stream.close();
  }
}

/** Members behind a transport, with a session table just good enough to tell a known session from an unknown one. */
export class ScriptedCluster implements StreamTransport {
  readonly nodes: readonly ScriptedNode[];
  readonly frames: SeenFrame[] = [];
  readonly log: string[] = [];
  readonly batches: AllowBatchRequest[] = [];
  clusterId = "test";
  leaderId = 1;
  term = 1;
  maxResults = 4_096;
  closed = false;
  /** The stamp of what a request opened, and that of a peek. */
  openedAtUs = 1_000_000n;
  peekedAtUs = 1_000_000n;
  /** What nodes say that they have applied when a stream begins; 0: they are of a version that pushes nothing. */
  appliedIndex = 0n;
  policyVersion = 0n;
  /** The policies that are set, as of `policyVersion`. */
  policies: readonly MessageInitShape<typeof PolicyTermsSchema>[] = [];
  /** Pings are answered. */
  pongs = true;
  /** Renewals are answered. */
  renews = true;
  /** Answers every hello with this error; null: welcomes. */
  refusesHello: MessageInitShape<typeof ErrorDetailSchema> | null = null;
  readonly helloClusterIds: string[] = [];
  /** Nonces of registered sessions, by index. */
  readonly sessions = new Map<number, string>();
  /** What a batch's or a peek's check comes to, where it is not admitted with 4 of 5 left. */
  decides: (key: string) => MessageInitShape<typeof DecisionSchema> = () => ({});
  /** Answers unary calls. */
  onUnary: (call: UnaryCall) => Promise<Uint8Array> = (call) => Promise.resolve(this.defaultUnary(call));
  #sessionIndex = 10;

  constructor(nodes = 3) {
    this.nodes = Array.from({ length: nodes }, (_, at) => new ScriptedNode(at + 1, `n${at + 1}:7400`));
  }

  readonly openSession = (endpoint: string, handlers: StreamHandlers): StreamConnection => {
    const node = this.nodes.find((each) => each.endpoint === endpoint);
    this.log.push(`open ${endpoint}`);
    if (node === undefined || node.down !== null) {
      const error = node?.down ?? new TransportError("not-sent", `${endpoint}: no such host`);
      queueTask(() => handlers.onClose(error));
      return { send: () => {}, close: () => {} };
    }
    const stream = new ScriptedStream(node, handlers);
    node.streams.add(stream);
    return {
      send: (bytes) => queueTask(() => this.#onMessage(stream, bytes)),
      close: () =>
        queueTask(() => {
          stream.open = false;
          node.streams.delete(stream);
        }),
    };
  };

  unary(call: UnaryCall): Promise<Uint8Array> {
    this.log.push(`${call.method} ${call.endpoint}`);
    if (call.method === "GuardService/AllowBatch") this.batches.push(fromBinary(AllowBatchRequestSchema, call.request));
    return this.onUnary(call);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** A new leader; every stream hears of it. */
  elect(leaderId: number): void {
    this.leaderId = leaderId;
    this.term += 1;
    for (const node of this.nodes) {
      for (const stream of node.streams) stream.send({ case: "topology", value: this.topology(node.nodeId) as never });
    }
  }

  topology(nodeId: number): MessageInitShape<typeof TopologySchema> {
    const other = this.nodes.find((node) => node.nodeId === nodeId)?.otherClusterId ?? null;
    const leaderId = other === null ? this.leaderId : nodeId;
    const members = this.nodes.filter((node) =>
      other === null ? node.otherClusterId === null : node.nodeId === nodeId,
    );
    return {
      clusterId: other ?? this.clusterId,
      version: 1n,
      nodeId: BigInt(nodeId),
      members: members.map((node) => ({
        nodeId: BigInt(node.nodeId),
        grpcEndpoint: node.endpoint,
        httpUrl: `http://${node.endpoint}`,
        voter: true,
      })) as never,
      groups: [{ groupId: 1n, leaderId: BigInt(leaderId), term: BigInt(other === null ? this.term : 9) }] as never,
    };
  }

  #onMessage(stream: ScriptedStream, bytes: Uint8Array): void {
    if (!stream.open) return;
    const decoded = decodeSessionRequest(bytes);
    if (decoded.kind === "frame") {
      const { frame } = decoded;
      const keys = Array.from({ length: frame.items }, (_, i) =>
        readUtf8(frame.keyBytes, frame.keyStarts[i]!, frame.keyStarts[i]! + frame.keyLengths[i]!),
      );
      this.frames.push({ endpoint: stream.node.endpoint, frame, keys });
      stream.node.answers(frame, stream);
      return;
    }
    const { message } = decoded.message;
    if (message.case !== "ping") this.log.push(`${message.case} ${stream.node.endpoint}`);
    switch (message.case) {
      case "hello":
        stream.node.noForward.push(message.value.noForward);
        this.helloClusterIds.push(message.value.clusterId);
        if (this.refusesHello !== null) {
          stream.fail(null, this.refusesHello);
          return;
        }
        if (this.#refusesStranger(stream, message.value.clusterId)) return;
        stream.send({
          case: "welcome",
          value: {
            topology: this.topology(stream.node.nodeId) as never,
            stampUs: 5_000_000n,
            sessionTtlMs: 60_000n,
            maxResults: this.maxResults,
            appliedIndex: this.appliedIndex,
            policyVersion: this.policyVersion,
          },
        });
        return;
      case "register":
        this.#onRegister(stream, message.value.nonce);
        return;
      case "resume": {
        const session = message.value.session;
        if (this.sessions.get(Number(session?.index)) === String(session?.nonce))
          stream.send({ case: "resumed", value: {} });
        else stream.fail(null, { reason: ErrorReason.SESSION_EXPIRED, applied: Applied.NO, message: "gone" });
        return;
      }
      case "ping":
        if (this.pongs) stream.send({ case: "pong", value: { id: message.value.id } });
        return;
      case "renew":
        if (this.renews) stream.send({ case: "renewed", value: { id: message.value.id } });
        return;
      default:
        return;
    }
  }

  #refusesStranger(stream: ScriptedStream, itsId: string): boolean {
    const ours = stream.node.otherClusterId ?? this.clusterId;
    if (itsId === "" || itsId === ours) return false;
    const message = `hello.cluster_id "${itsId}": this node belongs to "${ours}"`;
    stream.fail(null, { reason: ErrorReason.WRONG_CLUSTER, applied: Applied.NO, message });
    return true;
  }

  #onRegister(stream: ScriptedStream, nonce: Uint8Array): void {
    const known = [...this.sessions].find(([, each]) => each === String(nonce))?.[0];
    const index = known ?? this.#sessionIndex++;
    this.sessions.set(index, String(nonce));
    stream.send({ case: "registered", value: { session: { index: BigInt(index), position: 0, nonce } as never } });
  }

  /** Allows everything. */
  defaultUnary(call: UnaryCall): Uint8Array {
    const decision = { outcome: 1, limit: 5, remaining: 4, resetAfterMs: 1_000n, retryAfterMs: 0n, source: 1 } as const;
    switch (call.method) {
      case "GuardService/AllowBatch": {
        const { calls } = fromBinary(AllowBatchRequestSchema, call.request);
        const results = calls.map(({ checks, verb, ttlMs }) => {
          const opens = verb === 2 ? { handle: 101n, firmForMs: ttlMs || 60_000n } : {};
          return {
            allowed: true,
            stampUs: this.openedAtUs,
            decisions: checks.map((check) => ({ ...decision, ...opens, ...this.decides(check.key) })),
          };
        });
        const { policyVersion } = this;
        return toBinary(
          AllowBatchResponseSchema,
          create(AllowBatchResponseSchema, { results: results as never, policyVersion }),
        );
      }
      case "GuardService/GetTerms": {
        const { names } = fromBinary(GetTermsRequestSchema, call.request);
        const policies = names.flatMap((name) => this.policies.filter(({ rule }) => rule?.policy === name));
        return toBinary(
          GetTermsResponseSchema,
          create(GetTermsResponseSchema, { version: this.policyVersion, policies: policies as never }),
        );
      }
      case "GuardService/Peek": {
        const { check } = fromBinary(PeekRequestSchema, call.request);
        const peeked = { ...decision, ...this.decides(check?.key ?? "") };
        return toBinary(
          PeekResponseSchema,
          create(PeekResponseSchema, { decision: peeked as never, stampUs: this.peekedAtUs }),
        );
      }
      case "ClusterService/GetTopology":
        return toBinary(
          GetTopologyResponseSchema,
          create(GetTopologyResponseSchema, { topology: this.topology(1) as never }),
        );
    }
  }
}

/** After the caller's turn, as a network would. */
function queueTask(task: () => void): void {
  Promise.resolve().then(task);
}
