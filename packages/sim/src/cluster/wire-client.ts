import type { AskedItem } from "@quorumguard/audit";
import { Outcome, Verb } from "@quorumguard/limiter";
import {
  decodeSessionResponse,
  ErrorReason,
  encodeFrame,
  encodeSessionRequest,
  type FrameError,
  type ReceivedReply,
  Source,
  type Welcome,
} from "@quorumguard/proto";
import type { StreamConnection, StreamTransport } from "@quorumguard/sdk-core";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

/** What a call came to; without outcomes there was no decision. */
export interface WireAnswer {
  readonly outcomes: readonly number[] | null;
  /** The hold that it opened; 0: none. */
  readonly handle: number;
  readonly source: "quorum" | "leader" | "none";
  /** Why there is no decision. */
  readonly error: "timed_out" | "session_expired" | null;
  readonly applied: "no" | "unknown" | null;
}

/** A client that speaks the wire by itself: whatever a frame can say, also what no SDK does yet. */
export interface WireClient {
  ask(items: readonly AskedItem[], timeoutMs: number): Promise<WireAnswer>;
  /** Says goodbye, and begins another session with the next call. */
  leave(): void;
}

interface WireCall {
  readonly number: number;
  readonly items: readonly AskedItem[];
  readonly deadlineUs: number;
  readonly settle: (answer: WireAnswer) => void;
  sends: number;
}

interface WireSession {
  readonly index: bigint;
  readonly position: number;
  readonly nonce: Uint8Array;
}

/** Where a client lives, and whom it may reach. */
export interface WireClientParts {
  readonly world: World;
  readonly random: Random;
  readonly name: string;
  readonly process: Process;
  readonly transport: StreamTransport;
  readonly endpoints: readonly string[];
  readonly sessionTtlMs: number;
}

const none = { outcomes: null, handle: 0, source: "none" } as const;
/** A stream on which nothing was heard for so long, although something was asked, is given up. */
const silenceUs = 600_000;

/** Makes a client that connects with its first call. Every node passes its calls on to the leader. */
export function createWireClient(parts: WireClientParts): WireClient {
  return new Client(parts);
}

class Client implements WireClient {
  readonly #parts: WireClientParts;
  readonly #open = new Map<number, WireCall>();
  #stream: StreamConnection | null = null;
  #welcomed = false;
  #session: WireSession | null = null;
  /** Sent again under the same nonce, a register makes no second session (SEMANTICS S4). */
  #registration: { readonly nonce: Uint8Array; readonly helloStampUs: bigint } | null = null;
  #lastNumber = 0;
  #endpoint: number;
  #heardUs = 0;
  #watches = false;

  constructor(parts: WireClientParts) {
    this.#parts = parts;
    this.#endpoint = parts.random.below(parts.endpoints.length);
  }

  ask(items: readonly AskedItem[], timeoutMs: number): Promise<WireAnswer> {
    const { world, process } = this.#parts;
    return new Promise((settle) => {
      const number = ++this.#lastNumber;
      const call = { number, items, deadlineUs: world.nowUs + timeoutMs * 1000, settle, sends: 0 };
      this.#open.set(number, call);
      world.schedule(timeoutMs * 1000, process, "wire deadline", () => {
        if (this.#open.get(number) === call) this.#end(call, "timed_out");
      });
      this.#watch();
      if (this.#stream === null) this.#connect();
      else if (this.#session !== null && this.#welcomed) this.#send(call);
    });
  }

  leave(): void {
    if (this.#session === null || this.#open.size > 0) return;
    const stream = this.#stream;
    stream?.send(encodeSessionRequest({ case: "goodbye", value: {} }));
    this.#forgetSession();
    this.#stream = null;
    this.#welcomed = false;
    // A stream that is closed at once takes along what is still on its way.
    const { world, process } = this.#parts;
    world.schedule(100_000, process, "wire leaves", () => stream?.close());
  }

  #end(call: WireCall, error: "timed_out" | "session_expired"): void {
    this.#open.delete(call.number);
    call.settle({ ...none, error, applied: call.sends === 0 ? "no" : "unknown" });
  }

  #forgetSession(): void {
    this.#session = null;
    this.#registration = null;
    this.#lastNumber = 0;
    this.#open.clear();
  }

  #expire(): void {
    const calls = [...this.#open.values()];
    this.#forgetSession();
    for (const call of calls) this.#end(call, "session_expired");
    this.#drop();
  }

  #watch(): void {
    if (this.#watches) return;
    this.#watches = true;
    const { world, process } = this.#parts;
    world.schedule(200_000, process, "wire watch", () => {
      this.#watches = false;
      if (this.#open.size === 0) return;
      if (this.#stream !== null && world.nowUs - this.#heardUs > silenceUs) this.#drop();
      if (this.#stream === null) this.#connect();
      this.#watch();
    });
  }

  /** Gives the stream up; the next one goes to another node. */
  #drop(): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#welcomed = false;
    this.#endpoint++;
    stream?.close();
  }

  #connectSoon(): void {
    const { world, process, random } = this.#parts;
    world.schedule(10_000 + random.below(60_000), process, "wire connects", () => {
      if (this.#stream === null && this.#open.size > 0) this.#connect();
    });
  }

  #connect(): void {
    const { transport, endpoints, world, name } = this.#parts;
    this.#heardUs = world.nowUs;
    const endpoint = endpoints[this.#endpoint % endpoints.length]!;
    const stream: StreamConnection = transport.openSession(endpoint, {
      onMessage: (message) => {
        if (this.#stream === stream) this.#onMessage(message);
      },
      onClose: () => {
        if (this.#stream !== stream) return;
        this.#stream = null;
        this.#welcomed = false;
        this.#endpoint++;
        this.#connectSoon();
      },
    });
    this.#stream = stream;
    stream.send(encodeSessionRequest({ case: "hello", value: { clusterId: "", client: name, noForward: false } }));
  }

  #onMessage(bytes: Uint8Array): void {
    this.#heardUs = this.#parts.world.nowUs;
    const decoded = decodeSessionResponse(bytes);
    if (decoded.kind === "reply") {
      this.#onReply(decoded.reply);
      return;
    }
    const { message } = decoded.message;
    if (message.case === "welcome") this.#onWelcome(message.value);
    else if (message.case === "registered" && message.value.session !== undefined && this.#registration !== null) {
      const { index, position } = message.value.session;
      this.#session = { index, position, nonce: this.#registration.nonce };
      this.#registration = null;
      this.#renewLater(this.#session);
      this.#sendAll();
    } else if (message.case === "error") this.#onError(message.value);
    else if (message.case === "drain") {
      this.#drop();
      this.#connectSoon();
    }
  }

  #onWelcome({ stampUs }: Welcome): void {
    this.#welcomed = true;
    if (this.#session !== null) {
      this.#stream!.send(encodeSessionRequest({ case: "resume", value: { session: this.#session } }));
      this.#sendAll();
      return;
    }
    this.#registration ??= { nonce: this.#parts.random.bytes(16), helloStampUs: stampUs };
    this.#stream!.send(encodeSessionRequest({ case: "register", value: this.#registration }));
  }

  /** A session that is not renewed dies, unless its client calls (SEMANTICS S6). */
  #renewLater(session: WireSession): void {
    const { world, process, sessionTtlMs } = this.#parts;
    world.schedule((sessionTtlMs * 1000) / 3, process, "wire renews", () => {
      if (this.#session !== session) return;
      const value = { id: 1n, ackedThrough: BigInt(this.#ackedThrough) };
      if (this.#welcomed) this.#stream?.send(encodeSessionRequest({ case: "renew", value }));
      this.#renewLater(session);
    });
  }

  get #ackedThrough(): number {
    let first = this.#lastNumber + 1;
    for (const number of this.#open.keys()) first = Math.min(first, number);
    return first - 1;
  }

  #sendAll(): void {
    for (const call of this.#open.values()) this.#send(call);
  }

  #send(call: WireCall): void {
    const { number, items, deadlineUs } = call;
    const [first] = items;
    const verb = first!.verb ?? Verb.take;
    call.sends++;
    // A name alone has no number at all on the wire.
    const rules = items.map(({ rule }) => (rule.windowUs === 0 ? { ...rule, algorithm: 0 } : rule));
    const frame = encodeFrame({
      firstNumber: number,
      ackedThrough: this.#ackedThrough,
      firstAttempt: call.sends === 1,
      deadlineMs: Math.max(1, Math.ceil((deadlineUs - this.#parts.world.nowUs) / 1000)),
      rules,
      keys: items.map(({ key }) => key),
      ruleIndexes: items.map((_, at) => at),
      costs: items.map(({ cost }) => cost),
      sizes: [items.length],
      verbs: verb === Verb.take ? null : [verb],
      ttlsMs: first!.ttlMs ? [first!.ttlMs] : null,
      handles: first!.handle ? [first!.handle] : null,
    });
    this.#stream?.send(frame);
  }

  #onReply(reply: ReceivedReply): void {
    // Each frame has one call, so what is answered together is one call, too.
    const call = this.#open.get(reply.firstNumber);
    if (call === undefined || reply.calls !== 1) return;
    const outcomes = Array.from(reply.outcomes.slice(0, call.items.length));
    // The first attempt was denied without an entry, but another one is on its way: what that comes to counts.
    if (reply.source === Source.LEADER && call.sends > 1) return;
    if (outcomes[0] === Outcome.sessionExpired) {
      this.#expire();
      return;
    }
    if (outcomes[0] === Outcome.resultsFull) {
      this.#sendLater(call, 20_000);
      return;
    }
    this.#open.delete(call.number);
    const source = reply.source === Source.LEADER ? "leader" : "quorum";
    call.settle({ outcomes, handle: reply.handles[0] ?? 0, source, error: null, applied: null });
  }

  #sendLater(call: WireCall, delayUs: number): void {
    const { world, process, random } = this.#parts;
    world.schedule(delayUs + random.below(40_000), process, "wire sends again", () => {
      if (this.#open.get(call.number) === call && this.#session !== null && this.#welcomed) this.#send(call);
    });
  }

  #onError({ firstNumber, detail }: FrameError): void {
    if (detail?.reason === ErrorReason.SESSION_EXPIRED) {
      // Also how a register that took too long is refused: nothing was sent under it.
      if (this.#session === null) {
        this.#registration = null;
        this.#drop();
        this.#connectSoon();
      } else this.#expire();
      return;
    }
    const call = this.#open.get(Number(firstNumber));
    if (call !== undefined) this.#sendLater(call, 20_000 + Number(detail?.retryAfterMs ?? 0n) * 1000);
    else if (Number(firstNumber) === 0) {
      this.#drop();
      this.#connectSoon();
    }
  }
}
