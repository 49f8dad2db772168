import { Verb } from "@quorumguard/limiter";
import {
  type DecodedResponse,
  decodeSessionResponse,
  encodeFrame,
  encodeSessionRequest,
  Outcome,
  type ReceivedReply,
  type SessionResponse,
  Source,
} from "@quorumguard/proto";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ClusterNode } from "../node/node.ts";
import { TestCluster, until } from "../node/test-cluster.fixture.ts";
import { createSessionHandler } from "./session-handler.ts";

const minuteUs = 60_000_000;
const rule = { limit: 10, windowUs: minuteUs, algorithm: 0, burst: 0, policy: "" };
type Message = SessionResponse["message"];
type OneOf<Case extends Message["case"]> = Extract<Message, { case: Case }>;

/** A client's end of a stream to a node that runs: what it sends, and all that it was sent. */
class StreamClient {
  readonly heard: DecodedResponse[] = [];
  readonly #handler;
  #next = 1;

  constructor(node: ClusterNode) {
    this.#handler = createSessionHandler(node, {
      send: (message) => void this.heard.push(decodeSessionResponse(message)),
      end: (error) => {
        throw new Error(`the stream ended: ${error?.message}`);
      },
    });
  }

  say(message: Parameters<typeof encodeSessionRequest>[0]): void {
    this.#handler.onMessage(encodeSessionRequest(message));
  }

  /** Hello and registration. */
  async open(nonce: number, readsRuns = false): Promise<void> {
    this.say({ case: "hello", value: { clusterId: "", namespace: "shop", client: "test", readsRuns } });
    const { value: welcome } = await this.message("welcome");
    this.say({
      case: "register",
      value: { nonce: new Uint8Array(16).fill(nonce), helloStampUs: welcome.stampUs },
    });
    await this.message("registered");
  }

  /** The latest message of this kind, once there is one that fits. */
  message<Case extends Message["case"]>(name: Case, fits: (message: OneOf<Case>) => boolean = () => true) {
    return until(() => {
      const all = this.heard.flatMap((each) => (each.kind === "message" ? [each.message.message] : []));
      return all.findLast((each): each is OneOf<Case> => each.case === name && fits(each as OneOf<Case>)) ?? null;
    });
  }

  /** One frame of plain first attempts, and its replies once every call is settled. */
  async frame(keys: readonly string[]): Promise<ReceivedReply[]> {
    const firstNumber = this.#next;
    this.#next += keys.length;
    const frame = {
      firstNumber,
      ackedThrough: firstNumber - 1,
      firstAttempt: true,
      deadlineMs: 0,
      rules: [rule],
      keys,
    };
    this.#handler.onMessage(
      encodeFrame({ ...frame, ruleIndexes: null, costs: null, sizes: null, verbs: null, ttlsMs: null, handles: null }),
    );
    return until(() => {
      const replies = this.heard.flatMap(replyIn).filter((each) => each.firstNumber >= firstNumber);
      return replies.reduce((calls, each) => calls + each.calls, 0) === keys.length ? replies : null;
    });
  }

  /** One call, and its reply. */
  async call(key: string, verb: Verb, cost: number, more: { ttlMs?: number; handle?: number; first?: boolean } = {}) {
    const number = this.#next++;
    const { ttlMs = 0, handle = 0, first = false } = more;
    this.#handler.onMessage(
      encodeFrame({
        firstNumber: number,
        ackedThrough: number - 1,
        firstAttempt: first,
        deadlineMs: 0,
        rules: [rule],
        keys: [key],
        ruleIndexes: null,
        costs: [cost],
        sizes: null,
        verbs: [verb],
        ttlsMs: [ttlMs],
        handles: [handle],
      }),
    );
    const reply = await until(() => this.heard.flatMap(replyIn).find((each) => each.firstNumber === number) ?? null);
    const [outcome, remaining] = [reply.outcomes[0]!, reply.remaining[0]!];
    const [retryAfterMs, firmForMs, opened] = [reply.retryAfterMs[0]!, reply.firmForMs[0]!, reply.handles[0]!];
    return { reply, outcome, remaining, retryAfterMs, firmForMs, handle: opened };
  }
}

const replyIn = (heard: DecodedResponse): ReceivedReply[] => (heard.kind === "reply" ? [heard.reply] : []);

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await TestCluster.started(3);
});
afterEach(async () => {
  await cluster.close();
  expect(cluster.fatal).toEqual([]);
});

it.each(["leader", "follower"] as const)(
  "L1 a lease is granted, refused with what is left, and given back over a session at the %s",
  async (at) => {
    const client = new StreamClient(await cluster[at]());
    await client.open(1);
    const { grant, giveBack, take } = Verb;
    const lease = await client.call("k", grant, 7);
    expect(lease).toMatchObject({ outcome: Outcome.ALLOWED, remaining: 3, retryAfterMs: 0, firmForMs: 1_000 });
    expect(lease.handle).toBeGreaterThan(0);
    const short = await client.call("other", grant, 2, { ttlMs: 150 });
    expect(short).toMatchObject({ outcome: Outcome.ALLOWED, remaining: 8, firmForMs: 150 });
    // All or nothing; what is left can be asked for.
    const refused = await client.call("k", grant, 4);
    expect(refused).toMatchObject({ outcome: Outcome.LIMITED, remaining: 3, handle: 0 });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(await client.call("k", grant, 11)).toMatchObject({ outcome: Outcome.LIMITED, retryAfterMs: -1 });
    expect(await client.call("k", take, 4)).toMatchObject({ outcome: Outcome.LIMITED, remaining: 3 });
    // Long before it ends, if this machine is not slower than that: then it was over, which is told as well.
    const back = await client.call("k", giveBack, 5, { handle: lease.handle });
    if (back.outcome === Outcome.NOT_HELD) return;
    expect(back).toMatchObject({ outcome: Outcome.ALLOWED, remaining: 8 });
    expect(await client.call("k", giveBack, 5, { handle: lease.handle })).toMatchObject({ outcome: Outcome.NOT_HELD });
  },
);

it("D2 whoever resets a key, every stream can tell which denials are undone, whichever came first", async () => {
  const streams = [new StreamClient(await cluster.leader()), new StreamClient(await cluster.follower())];
  for (const [at, stream] of streams.entries()) await stream.open(at + 1);
  const [first] = streams;
  await first!.call("k", Verb.take, 10);
  const denials = await Promise.all(streams.map((stream) => stream.call("k", Verb.take, 1, { first: true })));
  for (const denial of denials) {
    expect(denial.outcome).toBe(Outcome.LIMITED);
    expect(denial.firmForMs).toBeGreaterThan(50_000);
  }
  expect(denials.map(({ reply }) => reply.source)).toContain(Source.LEADER);
  const reset = await streams[1]!.call("k", Verb.reset, 1);
  for (const [at, stream] of streams.entries()) {
    const { value } = await stream.message("forget");
    expect(value).toMatchObject({ index: BigInt(reset.reply.index), all: false, keys: ["k"] });
    expect(value.rules).toMatchObject([{ algorithm: 1, windowUs: BigInt(minuteUs), policy: "" }]);
    expect(denials[at]!.reply.asOfIndex).toBeLessThanOrEqual(Number(value.index));
    await stream.call("k", Verb.take, 10);
    const after = await stream.call("k", Verb.take, 1, { first: true });
    expect(after.outcome).toBe(Outcome.LIMITED);
    expect(after.reply.asOfIndex).toBeGreaterThan(Number(value.index));
  }
});

it("U1 a stream knows how many share the limits: with its registration, with pongs, and when that changes", async () => {
  const [one, other] = [new StreamClient(await cluster.leader()), new StreamClient(await cluster.follower())];
  await one.open(1);
  expect((await one.message("welcome")).value.clients).toBe(0);
  expect((await one.message("registered")).value.clients).toBe(1);
  await other.open(2);
  await one.message("fleet", ({ value }) => value.clients === 2);
  one.say({ case: "ping", value: { id: 1n } });
  expect((await one.message("pong")).value.clients).toBe(2);
});

it.each([true, false])("a frame with denials among its calls is settled, runs read: %s", async (readsRuns) => {
  const client = new StreamClient(await cluster.leader());
  await client.open(1, readsRuns);
  await client.call("used up", Verb.take, 10);
  const keys = ["a", "used up", "b", "c", "used up", "used up", "d"];
  const replies = await client.frame(keys);
  const outcomes = new Map<number, [number, number]>();
  for (const { firstNumber, calls, offsets, outcomes: out, remaining } of replies) {
    for (let at = 0; at < calls; at++) outcomes.set(firstNumber + (offsets?.[at] ?? at), [out[at]!, remaining[at]!]);
  }
  const expected = keys.map((key) => (key === "used up" ? [Outcome.LIMITED, 0] : [Outcome.ALLOWED, 9]));
  expect([...outcomes].sort(([a], [b]) => a - b)).toEqual(expected.map((each, at) => [2 + at, each]));
  // One of the leader's own knowledge and one of its log, or one for each run.
  expect(replies).toHaveLength(readsRuns ? 2 : 5);
});
