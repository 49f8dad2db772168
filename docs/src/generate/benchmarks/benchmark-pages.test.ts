import { expect, test } from "vitest";
import { benchmarkPages } from "./benchmark-pages.ts";
import { fieldWords, readable, spread } from "./numbers.ts";
import { chooseResults } from "./result-file.ts";

const machine = { cpu: "Some CPU", cores: 2, memoryGiB: 24, linux: "6.1", node: "v24.0.0" };
const file = (name: string, data: object) => ({ name, text: JSON.stringify({ machine, ...data }) });
const noPictures = new Map<string, string>();

function pagesOf(...files: { name: string; text: string }[]) {
  return benchmarkPages(chooseResults(files, noPictures));
}

const redis = {
  scenario: "redis-unique",
  ours: 50_000,
  redis: 80_000,
  ratio: 0.625,
  flushesPerNode: [10, 11, 12],
  samples: {
    quorumguard: [
      { decisionsPerSecond: 49_000.4, p50Ms: 2, p99Ms: 9 },
      { decisionsPerSecond: 51_000, p50Ms: 1, p99Ms: 8 },
    ],
  },
};

test("a run that was worse is told as worse, on its page and on the list", () => {
  const [index, page] = pagesOf(file("redis-unique.quick.json", redis));
  for (const body of [index?.body, page?.body]) expect(body).toContain("QuorumGuard was slower in this run");
  expect(page?.body).toContain("| quorumguard | 2 | 50,000 (49,000 to 51,000) | 1.5 (1 to 2) | 8.5 (8 to 9) |");
  expect(page?.body).toContain("npm run bench -- --quick --only redis-unique");
});

const cell = {
  ...{ world: "simulated", nodes: 3, clients: 8, load: 2, windowMs: 1_000, algorithm: "fixed-window", kill: null },
  ...{ gapMs: null, arrivals: 500, unanswered: 1, promptRatio: 1, admittedRatio: 0.9912, boundRatio: 0.75 },
};
const exactness = (...cells: readonly object[]) => ({
  ...{
    scenario: "exactness",
    columns: Object.keys(cell),
    rows: cells.map((one) => Object.values({ ...cell, ...one })),
  },
});

test("exactness tells the worst of its cells, and the command that repeats it", () => {
  const rows = [{}, { kill: "killed", gapMs: 80, admittedRatio: 0.9634 }, { load: 1, admittedRatio: 0.5 }];
  const [index, page] = pagesOf(file("exactness.json", exactness(...rows, { world: "real", boundRatio: 1.0001 })));
  for (const body of [index?.body, page?.body]) {
    expect(body).toContain(
      "4 cells with 2,000 calls, 4 of them without an answer: the largest admission in any window was 1.0001 of the published bound",
    );
    expect(body).toContain("at least 0.9912 of what is right was admitted, and 0.9634 where the leader was killed");
  }
  expect(page?.body).toContain("| `fixed-window` | 3 | 0.9912 | 0.9634 | 1.0000 | 0.7500 |");
  expect(page?.body).toContain("| `fixed-window` | 3 | 8 | 2 | 1 | not killed | 0.9912 | 1.0001 |");
  expect(page?.body).toContain("npm run exactness -- --save");
});

const delay = { p50Ms: 0.5, p99Ms: 2, p999Ms: 31.25, maxMs: 40 };
const millionKeys = {
  ...{
    scenario: "million-keys",
    keys: 1_000_000,
    within: true,
    bytesPerKey: { "fixed-window": 95.3, concurrency: 288 },
  },
  ...{ worstAddedP999Ms: { algorithm: "fixed-window", phase: "growth", addedMs: 4.5 } },
  memory: [{ algorithm: "fixed-window", bytesPerKey: 95.3, bytesPerKeyLater: 96, residentBytesPerKey: 130 }],
  phases: [
    {
      ...{ algorithm: "fixed-window", phase: "growth", entries: 4_000, seconds: 1.5, delay, own: { p999Ms: 4 } },
      ...{ controlP999Ms: 26.75, addedP999Ms: 4.5 },
    },
  ],
};

test("a million keys: what each takes, and the delay beside that of an idle process", () => {
  const [, page] = pagesOf(file("million-keys.json", millionKeys));
  expect(page?.body).toContain("1,000,000 live keys take 95.3 to 288 bytes each.");
  expect(page?.body).toContain(
    "4.50 ms longer than in the idle process in the 99.9th percentile (fixed-window, growth).",
  );
  expect(page?.body).toContain("| `fixed-window` | 95.3 | 96 | 130 |");
  expect(page?.body).toContain(
    "| `fixed-window` | growth | 4,000 | 1.5 | 0.50 | 2.00 | 31.25 | 40.00 | 26.75 | 4.50 | 4.00 |",
  );
  const [, worse] = pagesOf(file("million-keys.json", { ...millionKeys, within: false }));
  expect(worse?.body).toContain("(fixed-window, growth), which is too much.");
});

const machineAlone = {
  ...{ scenario: "machine-alone", keys: 1_000, insertedKeys: 5_000, leastPerSecond: 1_000_000, mostAddedMs: 10 },
  ...{ decisionsPerSecond: { "token-bucket": 900_000 }, memoryRatio: { "token-bucket": 0.9 }, addedP999Ms: 9 },
  within: { rate: false, delay: true, memory: true },
  machines: [
    {
      ...{ algorithm: "token-bucket", perSecond: 900_000, perSecondByProcessor: 950_000, mapPerSecond: 700_000 },
      ...{ mapPerSecondByProcessor: 710_000, bytesPerKey: 120, residentBytesPerKey: 130 },
      redis: { usedBytesPerKey: 150, residentBytesPerKey: 160 },
    },
  ],
  insertions: [{ algorithm: "token-bucket", growth: { keys: 5_000, delay, controlP999Ms: 22.25, addedP999Ms: 9 } }],
};

test("the state machine alone: each goal, reached or not, and Redis where it was there", () => {
  const [index, page] = pagesOf(file("machine-alone.json", machineAlone));
  expect(index?.body).toContain("900,000 decisions per second on one thread, NOT within the goal of 1,000,000");
  expect(index?.body).toContain("9 ms longer than in an idle process (p99.9), within the goal of 10 ms");
  expect(index?.body).toContain("memory is at most 0.9 of Redis's, within the goal of 1.");
  expect(page?.body).toContain("| `token-bucket` | 900,000 | 700,000 | 950,000 | 710,000 | 120 | 150 | 130 | 160 |");
  expect(page?.body).toContain("| `token-bucket` | 5,000 | 31.25 | 22.25 | 9.00 |");
  const absent = [{ contender: "redis", reason: "redis-server is not installed" }];
  const [, alone] = pagesOf(
    file("machine-alone.json", { ...machineAlone, memoryRatio: { "token-bucket": null }, absent }),
  );
  expect(alone?.body).toContain("there was no Redis to compare memory with.");
  expect(alone?.body).toContain("- Absent: redis: redis-server is not installed");
});

test("a thorough run takes the place of a quick one", () => {
  const quick = file("redis-unique.quick.json", { ...redis, ours: 1 });
  for (const files of [
    [quick, file("redis-unique.json", redis)],
    [file("redis-unique.json", redis), quick],
  ]) {
    const page = pagesOf(...files)[1];
    expect(page?.body).toContain("50,000 decisions per second");
    expect(page?.body).not.toContain("--quick");
  }
});

test("a scenario that nobody knows has a page with all of its facts", () => {
  const unknown = {
    scenario: "new-one",
    gapMs: { median: 3, max: 9 },
    notes: ["<a>", "b"],
    rows: [{ x: 1 }, { x: 2, y: "z" }],
    deep: { a: { b: { c: { d: { e: 1 } } } } },
    many: Array(100).fill(1),
    nothing: null,
  };
  const [index, page] = pagesOf(file("new-one.json", unknown));
  expect(index?.body).toContain("[New one](/benchmarks/new-one/)");
  for (const text of ["**Gap, ms**", "- Median: 3", "- Notes: &lt;a&gt;, b", "| 2 | z |", "100 values", "`null`"]) {
    expect(page?.body).toContain(text);
  }
});

const sample = {
  decisionsPerSecond: 90_000,
  p50Ms: 2,
  p99Ms: 9,
  p999Ms: 20,
  longestGapMs: 21,
  decisions: 9,
  denied: 0,
};
const more = { degraded: 0, failed: 0, cpuUsPerDecision: 9, clientCpuUsPerDecision: 4, serverMemoryBytes: 2 ** 20 };
const etcd = {
  scenario: "etcd",
  ratios: [
    { name: "puts", ours: 90_000, peer: 6_000, peerName: "etcd, puts", ratio: 15, goal: 15, met: true },
    { name: "transactions", ours: 90_000, peer: 45_000, peerName: "etcd", ratio: 2, goal: 3, met: false },
  ],
  absent: [{ contender: "gubernator", reason: "there is no go on this machine" }],
  configurations: {
    "etcd, puts": { client: "etcd-put", libraries: ["grpc 1"], use: "A put.", servers: { version: "3.4" } },
  },
  cells: [
    {
      ...{ point: "256 in flight", contender: "quorumguard", inFlight: 256, overAdmitted: null },
      samples: [{ ...sample, ...more, writtenBytesPerDecision: 30, flushesPerDecision: null }],
    },
  ],
};

test("decisions against peers: each ratio with its goal, met or not, every cell, who is absent and how each was set up", () => {
  const [index, page] = pagesOf(file("etcd.json", etcd));
  for (const body of [index?.body, page?.body]) {
    expect(body).toContain("puts: 90,000 against 6,000 of etcd, puts, ratio 15, within the goal of 15");
    expect(body).toContain("transactions: 90,000 against 45,000 of etcd, ratio 2, NOT within the goal of 3");
  }
  expect(page?.body).toContain("| 256 in flight | quorumguard | 256 | 90,000 | 2 | 9 | 20 |");
  expect(page?.body).toContain("- Absent: gubernator: there is no go on this machine");
  expect(page?.body).toContain("A put.");
});

test("results that lack what their scenario usually has still give a page", () => {
  for (const scenario of ["etcd", "exactness", "failover", "machine-alone", "million-keys", "redis-unique"]) {
    expect(pagesOf(file(`${scenario}.json`, { scenario }))[1]?.body).toContain(
      "- Commit: unknown\n- Processor: Some CPU",
    );
  }
});

test("the commit of a measurement is on its page, and whether the sources differed from it", () => {
  const measured = (dirty: boolean) => file("new-one.json", { scenario: "new-one", commit: "0123abcd", dirty });
  expect(pagesOf(measured(false))[1]?.body).toContain("- Commit: 0123abcd\n");
  expect(pagesOf(measured(true))[1]?.body).toContain("- Commit: 0123abcd, and changes that were not committed\n");
});

test("a picture beside the result is shown, drawn anew where the result has its calls", () => {
  const shown = { startedAtMs: [0, 5, 10], latencyMs: [1, 30, 1], outcomes: ["allowed", "allowed", "denied"] };
  const files = [file("failover.json", { scenario: "failover", shown }), file("other.json", { scenario: "other" })];
  const pages = benchmarkPages(chooseResults(files, new Map([["other.svg", "<svg/>"]])));
  expect(pages[1]?.body).toContain('<svg xmlns="http://www.w3.org/2000/svg" class="qg-picture');
  expect(pages[2]?.body).toContain('<img alt="Other" src="data:image/svg+xml;base64,PHN2Zy8+">');
});

test("a file that is no result is a mistake that names it", () => {
  expect(() => chooseResults([{ name: "x.json", text: "[]" }], noPictures)).toThrow("bench/results/x.json");
  expect(() => chooseResults([{ name: "y.json", text: '{"scenario":"../z"}' }], noPictures)).toThrow("y.json");
});

test("numbers are readable", () => {
  expect([readable(120_754.2), readable(1.9828), readable(0), readable(Number.NaN)]).toEqual([
    "120,754",
    "1.98",
    "0",
    "unknown",
  ]);
  expect([spread([2, 2]), spread([1, 3]), spread([])]).toEqual(["2", "2 (1 to 3)", "unknown"]);
  expect([fieldWords("backgroundCallsPerSecond"), fieldWords("gapMs"), fieldWords("p99Ms")]).toEqual([
    "background calls per second",
    "gap, ms",
    "p99, ms",
  ]);
});
