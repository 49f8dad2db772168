import { createResultColumns, Outcome } from "@quorumguard/limiter";
import type { DecisionFacts } from "../../../packages/cluster/src/node/node.ts";
import { noMeter } from "../../../packages/cluster/src/server/decision-meter.ts";
import { checkFrame, FrameSink, type ReplyRoute } from "../../../packages/cluster/src/server/frame-sink.ts";
import {
  decodeSessionRequest,
  decodeSessionResponse,
  encodeFrameReply,
  type ReceivedFrame,
} from "../../../packages/proto/src/index.ts";
import { type Call, createCall, take } from "../../../packages/sdk-core/src/calls/call.ts";
import { buildFrame } from "../../../packages/sdk-core/src/session/build-frame.ts";
import { resolveRule } from "../../../packages/sdk-core/src/surface/resolved-rule.ts";
import type { HotPath } from "./hot-path.ts";

/** Calls of one frame: a client's full batch. */
const CALLS = 64;
const FRAMES = 256;

function createCalls(): readonly Call[] {
  const rule = resolveRule({ limit: 100, window: "1m", algorithm: "token-bucket" }, "");
  return Array.from({ length: CALLS }, (_, at) => {
    const item = { key: `user:${String(at * 7_919).padStart(15, "0")}`, rule, cost: 1 };
    const call = createCall(item, null, take, {
      requestId: null,
      onUnavailable: "throw",
      deadlineMs: 2_000,
      timeoutMs: 1_000,
      resolve: () => {},
      reject: () => {},
      observer: null,
    });
    call.number = at + 1;
    return call;
  });
}

const frameBytes = () => buildFrame(createCalls(), 0, 1_000);

function receivedFrame(): ReceivedFrame {
  const decoded = decodeSessionRequest(frameBytes());
  if (decoded.kind !== "frame") throw new Error("a frame was not read as one");
  return decoded.frame;
}

/** Three in four allowed, as what a limiter decides. */
function results() {
  const columns = createResultColumns(CALLS);
  columns.items = CALLS;
  for (let at = 0; at < CALLS; at++) {
    const isAllowed = at % 4 !== 3;
    const retryMs = isAllowed ? 0 : 600;
    columns.set(at, isAllowed ? Outcome.allowed : Outcome.limited, 40, 36_000, retryMs, retryMs, 100);
  }
  return columns;
}

const facts: DecisionFacts = {
  index: 1_234,
  stampUs: 1_763_000_000_000_000,
  asOfIndex: 1_234,
  source: "quorum",
  repeated: false,
};

function path(unit: string, frame: () => void, frames = FRAMES): HotPath {
  return {
    unit,
    operations: frames,
    prepare() {},
    run() {
      for (let i = 0; i < frames; i++) frame();
    },
  };
}

/** The SDK makes a frame of its calls. */
export function sdkEncode(): HotPath {
  const calls = createCalls();
  return path("frames of 64 calls", () => void buildFrame(calls, 0, 1_000));
}

/** The node reads a frame and holds it to its bounds. */
export function nodeDecode(): HotPath {
  const bytes = frameBytes();
  return path("frames of 64 calls", () => {
    const decoded = decodeSessionRequest(bytes);
    if (decoded.kind === "frame") checkFrame(decoded.frame);
  });
}

/** The node answers a frame. */
export function nodeEncode(): HotPath {
  const frame = receivedFrame();
  const columns = results();
  const route = {
    meter: noMeter,
    monotonicMs: () => 0,
    policyVersion: () => 3,
    send() {},
    frameDone() {},
    broken(error: Error) {
      throw error;
    },
  } as Partial<ReplyRoute> as ReplyRoute;
  return path("replies of 64 decisions", () => new FrameSink(route, frame).decided(0, CALLS, columns, 0, facts));
}

/** The SDK reads a reply. */
export function sdkDecode(): HotPath {
  const bytes = encodeFrameReply({
    ...{ firstNumber: 1, calls: CALLS, index: facts.index, asOfIndex: facts.asOfIndex, stampUs: facts.stampUs },
    ...{ policyVersion: 3, source: 1, results: results(), tellLimits: false, fromItem: 0, toItem: CALLS },
  });
  // Its columns are buffers outside the heap, for which rubbish is collected soon: with more of them, that would be in half of the blocks.
  return path("replies of 64 decisions", () => void decodeSessionResponse(bytes), FRAMES / 4);
}
