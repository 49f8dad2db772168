import { Algorithm, type Rule } from "@quorumguard/limiter";
import { type DecodedResponse, decodeSessionResponse, encodeSessionRequest } from "@quorumguard/proto";
import { beforeEach, describe, expect, it } from "vitest";
import type { Forgotten } from "../node/namespace-watch.ts";
import { createScriptedNode, type ScriptedNode, stateOf } from "./scripted-node.fixture.ts";
import { createSessionHandler } from "./session-handler.ts";
import type { SessionHandler } from "./session-stream.ts";

const nonce = new Uint8Array(16);
const minute = 60_000_000;
const log = (policy = ""): Rule => ({
  algorithm: Algorithm.slidingWindowLog,
  limit: 5,
  windowUs: minute,
  burst: 0,
  policy,
});
const bucket: Rule = { ...log(), algorithm: Algorithm.tokenBucket, burst: 7 };

let node: ScriptedNode;
let sent: DecodedResponse[];
let handler: SessionHandler;
let version: number;
let sessions: number;

let behind: boolean;

function open(): SessionHandler {
  const send = (message: Uint8Array) => void sent.push(decodeSessionResponse(message));
  return createSessionHandler(node, { send, end: () => {}, isBehind: () => behind });
}

const say = (message: Parameters<typeof encodeSessionRequest>[0]) => handler.onMessage(encodeSessionRequest(message));
const hello = (namespace = "shop") => say({ case: "hello", value: { clusterId: "", namespace, client: "test" } });
const push = (what: Forgotten, namespace = "shop") => node.namespaceListeners.get(namespace)?.forget(what);
const keys = (...named: readonly (readonly [string, Rule])[]) =>
  named.map(([key, rule]) => ({ key: new TextEncoder().encode(key), rule }));

function lastMessage() {
  const last = sent.at(-1);
  if (last?.kind !== "message") throw new Error(`expected a message, got ${last?.kind}`);
  return last.message.message;
}

beforeEach(() => {
  version = 3;
  sessions = 4;
  behind = false;
  node = createScriptedNode();
  sent = [];
  const ofShop = (value: () => number) => (namespace: string) => (namespace === "shop" ? value() : 0);
  node.appliedState = stateOf(
    { version: ofShop(() => version) },
    { appliedIndex: 40, countSessions: ofShop(() => sessions) },
  );
  handler = open();
});

describe("a stream is told", () => {
  it("with the welcome how many share its namespace's limits, and from which index on it is told of resets", () => {
    hello();
    expect(lastMessage()).toMatchObject({
      case: "welcome",
      value: { clients: 4, appliedIndex: 40n, policyVersion: 3n },
    });
  });

  it("from the first index on, by a node that has applied nothing yet: a 0 would say that it pushes nothing", () => {
    node.appliedState = null;
    hello();
    expect(lastMessage()).toMatchObject({ case: "welcome", value: { appliedIndex: 1n, clients: 0 } });
  });

  it("how many they are with its registration and with every pong, and of no namespace before it named its own", () => {
    say({ case: "ping", value: { id: 1n } });
    expect(lastMessage()).toMatchObject({ case: "pong", value: { clients: 0 } });
    hello();
    say({ case: "register", value: { nonce, helloStampUs: 1n } });
    sessions = 5;
    node.operations[0]!.done({ kind: "registered", session: { index: 41, position: 0 } });
    expect(lastMessage()).toMatchObject({ case: "registered", value: { clients: 5 } });
    sessions = 6;
    say({ case: "ping", value: { id: 2n } });
    expect(lastMessage()).toMatchObject({ case: "pong", value: { id: 2n, clients: 6 } });
  });

  it("when they are more or fewer", () => {
    hello();
    node.namespaceListeners.get("shop")!.clients(9);
    expect(lastMessage()).toMatchObject({ case: "fleet", value: { clients: 9 } });
  });

  it("which keys were reset, by what their rules are known by: a name, or the numbers that identify an inline counter", () => {
    hello();
    const named = keys(["a", log("api")], ["b", log()], ["ä", bucket], ["c", log("api")]);
    push({ index: 41, policyVersion: 3, keys: named });
    expect(lastMessage()).toMatchObject({
      case: "forget",
      value: {
        index: 41n,
        policyVersion: 3n,
        all: false,
        rules: [
          { policy: "api", algorithm: 0, limit: 0, windowUs: 0n, burst: 0 },
          { policy: "", algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: BigInt(minute), burst: 0 },
          { policy: "", algorithm: Algorithm.tokenBucket, limit: 5, windowUs: BigInt(minute), burst: 7 },
        ],
        keys: ["a", "b", "ä", "c"],
        ruleIndexes: [0, 1, 2, 0],
      },
    });
    push({ index: 42, policyVersion: 3, keys: keys(["a", log()]) });
    expect(lastMessage()).toMatchObject({ value: { rules: [{ windowUs: BigInt(minute) }], ruleIndexes: [] } });
  });

  it("that anything may be untrue, with the version that the policies have now", () => {
    hello();
    push({ index: 50, policyVersion: 4, keys: null });
    expect(lastMessage()).toMatchObject({
      case: "forget",
      value: { index: 50n, policyVersion: 4n, all: true, rules: [], keys: [] },
    });
  });

  it("nothing while it does not read, and then, once, to forget everything", () => {
    hello();
    const before = sent.length;
    behind = true;
    push({ index: 41, policyVersion: 3, keys: keys(["a", log()]) });
    node.namespaceListeners.get("shop")!.clients(9);
    behind = false;
    push({ index: 42, policyVersion: 4, keys: keys(["b", log()]) });
    expect(sent.length).toBe(before);
    handler.onDrained();
    handler.onDrained();
    expect(sent.length).toBe(before + 1);
    expect(lastMessage()).toMatchObject({
      case: "forget",
      value: { index: 42n, policyVersion: 4n, all: true, keys: [] },
    });
    push({ index: 43, policyVersion: 4, keys: keys(["c", log()]) });
    expect(lastMessage()).toMatchObject({ case: "forget", value: { index: 43n, all: false, keys: ["c"] } });
  });

  it("nothing of other namespaces, nothing before its hello, and nothing after its end", () => {
    expect(node.namespaceListeners.size).toBe(0);
    hello();
    expect([...node.namespaceListeners.keys()]).toEqual(["shop"]);
    handler.onClose();
    expect(node.namespaceListeners.size).toBe(0);
  });
});
