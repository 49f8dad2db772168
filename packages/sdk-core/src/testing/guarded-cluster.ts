import { create, toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { Applied, ErrorDetailSchema, ErrorReason } from "@quorumguard/proto";
import { type StreamHandlers, type StreamTransport, TransportError, type UnaryCall } from "../transport.ts";
import { ScriptedCluster } from "./scripted-cluster.ts";
import type { VirtualRuntime } from "./virtual-runtime.ts";

/** Where the virtual runtime's wall clock begins. */
const epochMs = 1_700_000_000_000;

/** A scripted cluster whose nodes ask for a token, and the server that makes them. */
export class GuardedCluster implements StreamTransport {
  readonly cluster: ScriptedCluster;
  readonly runtime: VirtualRuntime;
  /** What came along, in order, with streams and with requests. */
  readonly streamTokens: (string | null)[] = [];
  readonly requestTokens: (string | null)[] = [];
  /** When the issuer was asked. */
  readonly asked: number[] = [];
  /** How long its tokens are good. */
  lifeMs = 100_000;
  /** How long it takes to make one. */
  makesInMs = 0;
  /** By how much its clock, and the nodes', is ahead of the wall clock of the guard's machine. */
  aheadMs = 0;
  /** What it fails with; null: it is up. */
  failure: Error | null = null;
  /** Refuses every token for this, whenever it ends. */
  refuses: ErrorReason | null = null;
  /** What a token says beside its time. */
  claims: object = {};

  constructor(runtime: VirtualRuntime, nodes = 1) {
    this.runtime = runtime;
    this.cluster = new ScriptedCluster(nodes);
  }

  /** What the issuer and the nodes call now, in milliseconds since 1970: the time that passes, whatever local clocks say. */
  get trueMs(): number {
    return epochMs + this.runtime.nowMs + this.aheadMs;
  }

  /** The function of a guard's option. */
  readonly token = async (): Promise<string> => {
    this.asked.push(this.runtime.nowMs);
    if (this.makesInMs > 0) {
      await new Promise<void>((resolve) => void this.runtime.setTimer(resolve, this.makesInMs));
    }
    if (this.failure !== null) throw this.failure;
    return this.mint();
  };

  /** A token of this moment; no two are alike. */
  mint(): string {
    const iat = this.trueMs / 1_000;
    const claims = { iat, exp: iat + this.lifeMs / 1_000, jti: String(this.asked.length), ...this.claims };
    return `e30.${base64Url(JSON.stringify(claims))}.c2ln`;
  }

  readonly openSession = (endpoint: string, handlers: StreamHandlers, token: string | null = null) => {
    this.streamTokens.push(token);
    const refusal = this.#refusalOf(token);
    if (refusal === null) {
      const opened = this.cluster.openSession(endpoint, handlers);
      const node = this.cluster.nodes.find((each) => each.endpoint === endpoint);
      const stream = [...(node?.streams ?? [])].at(-1);
      const endsInMs = endOf(token!) - this.trueMs;
      this.runtime.setTimer(() => stream?.close(refusalFor(ErrorReason.TOKEN_EXPIRED)), endsInMs);
      return opened;
    }
    Promise.resolve().then(() => handlers.onClose(refusal));
    return { send: () => {}, close: () => {} };
  };

  async unary(call: UnaryCall, token: string | null = null): Promise<Uint8Array> {
    this.requestTokens.push(token);
    const refusal = this.#refusalOf(token);
    if (refusal !== null) throw refusal;
    return this.cluster.unary(call);
  }

  close(): Promise<void> {
    return this.cluster.close();
  }

  #refusalOf(token: string | null): TransportError | null {
    if (this.refuses !== null) return refusalFor(this.refuses);
    if (token === null) return refusalFor(ErrorReason.TOKEN_MISSING);
    return endOf(token) <= this.trueMs ? refusalFor(ErrorReason.TOKEN_EXPIRED) : null;
  }
}

/** What a transport makes of a node's refusal. */
export function refusalFor(reason: ErrorReason, retryAfterMs = 0): TransportError {
  const message = `refused for reason ${reason}`;
  const told = { reason, applied: Applied.NO, message, retryAfterMs: BigInt(retryAfterMs) };
  const detail = create(ErrorDetailSchema, told);
  return new TransportError("rejected", "refused", { detail: toBinary(ErrorDetailSchema, detail) });
}

/** When it ends, in milliseconds since 1970; a token of another kind never does. */
function endOf(token: string): number {
  const payload = token.split(".")[1];
  if (payload === undefined) return Number.POSITIVE_INFINITY;
  const claims = JSON.parse(String.fromCharCode(...base64Decode(payload))) as { exp: number };
  return Math.round(claims.exp * 1_000);
}

const base64Url = (ascii: string): string =>
  base64Encode(
    Uint8Array.from(ascii, (char) => char.charCodeAt(0)),
    "url",
  );
