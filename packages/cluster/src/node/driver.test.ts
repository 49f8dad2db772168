import { createLimiter } from "@quorumguard/limiter";
import { createMessage, createRaft, type Entry, EntryType, type Message, MessageType } from "@quorumguard/raft";
import { expect, test } from "vitest";
import { appendDurably, entriesFrom, openForTest, takeSnapshot } from "../storage/storage.fixture.ts";
import { TestDisk } from "../storage/test-disk.fixture.ts";
import { Driver, type DriverHooks } from "./driver.ts";
import { HashWatch } from "./hash-watch.ts";
import { ManualClock } from "./manual-clock.fixture.ts";
import { Members } from "./members.ts";
import { PeerBoard } from "./peer-board.ts";
import { decodeEnvelope } from "./peer-codec.ts";
import { Proposals } from "./proposals.ts";
import { StampClock } from "./stamp-clock.ts";
import { until } from "./test-cluster.fixture.ts";

const nodeId = 3;
const electionMs = 150;

/** Time stands still, and a turn ends as soon as what runs now has ended. */
class EagerClock extends ManualClock {
  override endOfTurn(callback: () => void): void {
    queueMicrotask(callback);
  }
}

/** What was sent, and what a power failure at that moment would have left on the disk. */
interface Sent {
  readonly to: number;
  readonly messages: readonly Message[];
  readonly left: TestDisk;
}

/** Node 3 of three on a disk that forgets what was not flushed, which holds a snapshot at index 1 and one entry. */
async function createFollower(entries: readonly Entry[] = entriesFrom(2, 1, 1)) {
  const disk = new TestDisk();
  const storage = await openForTest(disk);
  await takeSnapshot(storage, 1, 1, ["image"]);
  await appendDurably(storage, entries, 1);
  const clock = new EagerClock();
  const members = new Members([1, 2, 3].map((id) => ({ nodeId: id, address: "", nonce: "" })));
  const stamp = new StampClock(clock, 0);
  let told: (sent: Sent) => void = () => {};
  const hooks: DriverHooks = {
    roleChanged: () => {},
    ignores: () => false,
    asked: () => {},
    deposed: () => {},
    lossProven: () => {},
    ticked: () => {},
    sendSnapshot: () => {},
    restore: () => Promise.reject(new Error("nobody sent a snapshot")),
    appliedOther: () => {},
    applied: () => {},
    replaced: () => {},
    flush: () => {},
    send(to, frame) {
      const { messages } = decodeEnvelope(frame, nodeId, to);
      told({ to, messages, left: disk.afterPowerFailure(() => false) });
    },
    failed: (error) => {
      throw error;
    },
  };
  const raft = createRaft({
    id: nodeId,
    storage,
    applied: 1,
    electionTimeoutTicks: 10,
    heartbeatTicks: 1,
    asyncStorageWrites: true,
    preVote: true,
    checkQuorum: true,
    random: () => 0,
  });
  const driver = new Driver({
    nodeId,
    raft,
    storage,
    limiter: createLimiter(),
    appliedIndex: 1,
    clock,
    tickMs: 15,
    electionMs,
    peers: new PeerBoard(clock, nodeId, members),
    stamp,
    proposals: new Proposals({ maxItems: 100, maxBytes: 1 << 20, stampUs: () => stamp.nowUs() }),
    hashes: new HashWatch(nodeId, members),
    wantedBounds: () => null,
    hooks,
  });
  /** Hands over a message, and resolves with what is sent next. */
  const answerTo = (message: Message): Promise<Sent> => {
    driver.receiveMessage(message);
    return new Promise((resolve) => {
      told = resolve;
    });
  };
  return Object.assign(answerTo, { driver, stamp });
}

const fromLeader = (changes: Partial<Message>): Message => ({
  ...createMessage(MessageType.app, nodeId),
  from: 1,
  term: 5,
  index: 2,
  logTerm: 1,
  ...changes,
});

test("G4: a follower acknowledges entries of a new term only when the term, too, survives a power failure", async () => {
  const answerTo = await createFollower();
  const answer = await answerTo(fromLeader({ entries: entriesFrom(3, 2, 5) }));
  expect(answer).toMatchObject({ to: 1, messages: [{ type: MessageType.appResp, term: 5, index: 4, reject: false }] });
  const again = await openForTest(answer.left);
  expect([again.lastIndex(), again.term(4), again.initialState().hardState.term]).toEqual([4, 5, 5]);
});

test("G4: a vote is told only when it survives a power failure", async () => {
  const answerTo = await createFollower();
  const answer = await answerTo(fromLeader({ type: MessageType.vote, from: 2, term: 6, index: 9, logTerm: 5 }));
  expect(answer).toMatchObject({ to: 2, messages: [{ type: MessageType.voteResp, term: 6, reject: false }] });
  const again = await openForTest(answer.left);
  expect(again.initialState().hardState).toMatchObject({ term: 6, vote: 2 });
});

test("T2: what a leader says with the first message that is heard of it counts, also if it says nothing after it", async () => {
  const { driver, stamp } = await createFollower();
  const facts = { wallUs: 0, probeMs: 0, probeWallMs: 0, echoMs: 0, echoWallMs: 0, hashIndex: 0, hash: "" };
  const line = { stampUs: 7_000_000, stampLive: true, stampTerm: 5 };
  driver.receive(1, { ...facts, ...line, hash: "0000000000000000", messages: [fromLeader({})] });
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect([driver.role.leader, stamp.live, stamp.lineTerm]).toEqual([1, true, 5]);
  expect(stamp.nowUs()).toBeGreaterThanOrEqual(7_000_000);
});

test("T2: what a peer says that does not lead is nobody's time", async () => {
  const { driver, stamp } = await createFollower();
  const facts = { wallUs: 0, probeMs: 0, probeWallMs: 0, echoMs: 0, echoWallMs: 0, hashIndex: 0 };
  const line = { stampUs: 9_000_000, stampLive: true, stampTerm: 4, hash: "0000000000000000" };
  driver.receive(2, { ...facts, ...line, messages: [] });
  driver.receive(1, { ...facts, ...line, stampUs: 7_000_000, stampTerm: 5, messages: [fromLeader({})] });
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(stamp.lineTerm).toBe(5);
  expect(stamp.nowUs()).toBeLessThan(9_000_000);
});

test("C4: what is committed is not answered from before it is applied: a new leader waits for its own first entry", async () => {
  const answerTo = await createFollower([{ index: 2, term: 1, type: EntryType.normal, data: new Uint8Array(0) }]);
  const { driver } = answerTo;
  const asked = await answerTo(fromLeader({ type: MessageType.timeoutNow }));
  expect(asked.messages).toMatchObject([{ type: MessageType.vote, term: 6 }]);
  await answerTo(fromLeader({ type: MessageType.voteResp, from: 2, term: 6 }));
  // The empty entry of the term, and the takeover behind it.
  const takeover = driver.raft.lastIndex;
  expect([driver.role.state, takeover, driver.leads]).toEqual(["leader", 4, false]);
  const acknowledge = (index: number) => {
    driver.receiveMessage(fromLeader({ type: MessageType.appResp, from: 2, term: 6, index }));
    return until(() => (driver.appliedIndex === index ? driver.leads : null));
  };
  // Applied up to the empty entry, it has all that was ever committed, and not yet the time that goes on from there.
  expect(await acknowledge(takeover - 1)).toBe(false);
  expect(await acknowledge(takeover)).toBe(true);
});
