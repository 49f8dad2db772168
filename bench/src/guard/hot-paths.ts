import type { HotPath } from "./hot-path.ts";

const answers = () => import("./answer-paths.ts");
const codecs = () => import("./codec-paths.ts");
const denials = () => import("./denial-path.ts");
const frames = () => import("./frame-paths.ts");
const machine = () => import("./machine-path.ts");
const raft = () => import("./raft-paths.ts");

/** All that is guarded, by name. Who only wants the names loads nothing of it. */
export const hotPaths: ReadonlyMap<string, () => Promise<HotPath>> = new Map([
  ["machine-apply-log", async () => (await machine()).machineApply("slidingWindowLog")],
  ["machine-apply-bucket", async () => (await machine()).machineApply("tokenBucket")],
  ["entry-write", async () => (await machine()).machineWrite()],
  ["sdk-encode", async () => (await frames()).sdkEncode()],
  ["sdk-decode", async () => (await frames()).sdkDecode()],
  ["node-decode", async () => (await frames()).nodeDecode()],
  ["node-encode", async () => (await frames()).nodeEncode()],
  ["sdk-calls", async () => (await answers()).sdkCalls()],
  ["lease-answer", async () => (await answers()).leaseAnswer()],
  ["denial-answer", async () => (await answers()).denialAnswer()],
  ["leader-denial", async () => (await denials()).leaderDenial()],
  ["crowded-denial", async () => (await denials()).crowdedDenial()],
  ["peer-encode", async () => (await codecs()).peerEncode()],
  ["peer-decode", async () => (await codecs()).peerDecode()],
  ["log-encode", async () => (await codecs()).logEncode()],
  ["raft-lead", async () => (await raft()).raftLead()],
  ["raft-follow", async () => (await raft()).raftFollow()],
]);
