import { Buffer } from "node:buffer";
import {
  type Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import {
  decodeSessionRequest,
  encodeFrameReply,
  encodeSessionResponse,
  type ReceivedFrame,
  type SessionRequest,
} from "@quorumguard/proto";

type Bytes = Buffer;

/** A lone "leader" on grpc-js, the reference implementation: what it accepts and sends is gRPC. */
export interface GrpcFixture {
  readonly endpoint: string;
  readonly metadata: Metadata[];
  /** Frames seen so far. */
  readonly frames: ReceivedFrame[];
  /** Answers unary calls; throws `{code, details, metadata}` for errors. */
  unary: (request: Bytes) => Bytes;
  /** Refuses streams with this status; null: serves them. */
  refuse: { code: number; details: string } | null;
  /** Calls when the last stream ended. */
  onStreamEnd: () => void;
  stop(): void;
}

const raw = (path: string, requestStream: boolean): MethodDefinition<Bytes, Bytes> => ({
  path: `/quorumguard.v1.${path}`,
  requestStream,
  responseStream: requestStream,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
});

/** Starts the fixture on a free port. */
export async function startGrpcFixture(): Promise<GrpcFixture> {
  const server = new Server();
  const fixture = {
    endpoint: "",
    metadata: [] as Metadata[],
    frames: [] as ReceivedFrame[],
    unary: (request: Bytes) => request,
    refuse: null as GrpcFixture["refuse"],
    onStreamEnd: () => {},
    stop: () => server.forceShutdown(),
  };
  const answerUnary = (call: ServerUnaryCall<Bytes, Bytes>, done: sendUnaryData<Bytes>) => {
    fixture.metadata.push(call.metadata);
    try {
      done(null, fixture.unary(call.request));
    } catch (error) {
      done(error as Parameters<typeof done>[0]);
    }
  };
  server.addService(
    {
      Session: raw("GuardService/Session", true),
      AllowBatch: raw("GuardService/AllowBatch", false),
      Peek: raw("GuardService/Peek", false),
    },
    {
      Session: (call: ServerDuplexStream<Bytes, Bytes>) => {
        fixture.metadata.push(call.metadata);
        if (fixture.refuse !== null) {
          call.emit("error", fixture.refuse);
          return;
        }
        call.on("data", (bytes: Bytes) => {
          const decoded = decodeSessionRequest(bytes);
          if (decoded.kind === "frame") fixture.frames.push(decoded.frame);
          const answer = decoded.kind === "frame" ? allow(decoded.frame) : control(decoded.message, fixture.endpoint);
          if (answer !== null) call.write(Buffer.from(answer));
        });
        call.on("end", () => call.end());
        call.on("close", () => fixture.onStreamEnd());
        call.on("error", () => {});
      },
      AllowBatch: answerUnary,
      Peek: answerUnary,
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  fixture.endpoint = `127.0.0.1:${port}`;
  return fixture;
}

function allow(frame: ReceivedFrame): Uint8Array {
  const column = (value: number) => new Array<number>(frame.items).fill(value);
  return encodeFrameReply({
    firstNumber: frame.firstNumber,
    calls: frame.calls,
    index: 3,
    stampUs: 1,
    policyVersion: 0,
    source: 1,
    results: {
      outcomes: column(1),
      remaining: column(4),
      resetAfterMs: column(9),
      retryAfterMs: column(0),
      firmForMs: column(0),
      handles: column(0),
      limits: column(0),
      shadows: column(0),
    },
    tellLimits: false,
    fromItem: 0,
    toItem: frame.items,
  });
}

function control({ message }: SessionRequest, endpoint: string): Uint8Array | null {
  if (message.case === "hello") {
    const member = { nodeId: 1n, grpcEndpoint: endpoint, httpUrl: "", voter: true };
    const topology = {
      clusterId: "fixture",
      version: 1n,
      nodeId: 1n,
      members: [member],
      groups: [{ groupId: 1n, leaderId: 1n, term: 1n }],
    };
    const value = { topology: topology as never, stampUs: 1n, sessionTtlMs: 60_000n, maxResults: 4_096 };
    return encodeSessionResponse({ case: "welcome", value });
  }
  if (message.case === "register") {
    const session = { index: 1n, position: 0, nonce: message.value.nonce };
    return encodeSessionResponse({ case: "registered", value: { session: session as never } });
  }
  return message.case === "ping" ? encodeSessionResponse({ case: "pong", value: { id: message.value.id } }) : null;
}
