import fs from "node:fs";
import { elementsOf, findLayoutProblems, longestGap, parseSvg, textOf } from "@quorumguard/pictures";
import { describe, expect, it } from "vitest";
import {
  encodeFrame,
  encodeSegmentHeader,
  frameBytes,
  sectorBytes,
} from "../../../packages/cluster/src/storage/log-frame.ts";
import { checkLayers } from "../../../scripts/tidy/layers.ts";
import type { SourceFile } from "../../../scripts/tidy/source-file.ts";
import { alignedWindowsStory, busiestWindow } from "./aligned-windows.ts";
import { measuredCalls } from "./failover.ts";
import { drawings, pictures } from "./index.ts";
import * as layout from "./log-layout.ts";
import { clusterLevels, packageLevels } from "./room-levels.ts";
import { slidingWindowDecisions } from "./sliding-window-log.ts";
import { slotsStory } from "./slots.ts";
import { tokenBucketStory } from "./token-bucket.ts";

describe.each(Object.keys(drawings))("%s", (name) => {
  const picture = drawings[name]!();

  it("has no text that collides, leaves the picture or is too small", () => {
    expect(findLayoutProblems(picture.wide)).toEqual([]);
    expect(findLayoutProblems(picture.narrow!)).toEqual([]);
  });

  it("fits a page of 360 pixels, and one of 1,200", () => {
    expect(picture.wide.width).toBe(720);
    expect(picture.narrow!.width).toBe(328);
  });

  it("is well-formed, and says in words what it shows", () => {
    const svgs = elementsOf(parseSvg(pictures[name]!()), "svg");
    expect(svgs).toHaveLength(2);
    for (const svg of svgs) {
      expect(textOf(elementsOf(svg, "title")[0]!).length).toBeGreaterThan(10);
      expect(textOf(elementsOf(svg, "desc")[0]!).length).toBeGreaterThan(60);
    }
    expect(picture.name).toBe(name);
  });
});

describe("what the limiter decided", () => {
  it("agrees with a naive count over the sliding window", () => {
    const decisions = slidingWindowDecisions();
    const admitted: number[] = [];
    for (const { atMs, allowed } of decisions) {
      const inWindow = admitted.filter((at) => at > atMs - 10_000).length;
      expect(allowed, `at ${atMs} ms`).toBe(inWindow < 3);
      if (allowed) admitted.push(atMs);
    }
    expect(decisions.some((one) => one.allowed) && decisions.some((one) => !one.allowed)).toBe(true);
  });

  it("agrees with a naive bucket, also in its level", () => {
    const { decisions, levels } = tokenBucketStory();
    let [level, lastMs] = [5, 0];
    for (const { atMs, allowed } of decisions) {
      level = Math.min(5, level + (atMs - lastMs) / 1_000);
      lastMs = atMs;
      expect(allowed, `at ${atMs} ms`).toBe(level >= 1);
      if (allowed) level -= 1;
    }
    expect(decisions.some((one) => !one.allowed)).toBe(true);
    // One token a second: between two drawn points the level falls at a call, or rises by what flowed in.
    for (const [i, { atMs, level: now }] of levels.entries()) {
      const before = levels[i - 1] ?? { atMs: 0, level: 5 };
      const risen = Math.min(5, before.level + (atMs - before.atMs) / 1_000);
      expect(now === before.level - 1 || Math.abs(now - risen) < 0.002, `level ${now} at ${atMs} ms`).toBe(true);
    }
  });
});

describe("windows that begin at multiples of their length", () => {
  it("agree with naive counts of each window, also in what counts", () => {
    const { decisions, levels } = alignedWindowsStory("fixed-window");
    const counts = [0, 0, 0, 0];
    const { decisions: estimated } = alignedWindowsStory("sliding-window-counter");
    const seen = [0, 0, 0, 0];
    for (const [i, { atMs, allowed }] of decisions.entries()) {
      const window = Math.floor(atMs / 10_000);
      expect(allowed, `fixed, at ${atMs} ms`).toBe(counts[window]! < 4);
      if (allowed) counts[window]! += 1;
      const before = Math.ceil(((seen[window - 1] ?? 0) * (10_000 - (atMs % 10_000))) / 10_000);
      expect(estimated[i]!.allowed, `counter, at ${atMs} ms`).toBe(seen[window]! + before < 4);
      if (estimated[i]!.allowed) seen[window]! += 1;
    }
    expect(levels.at(-1)).toEqual({ atMs: 30_000, level: 0 });
    expect(Math.max(...levels.map((one) => one.level))).toBe(4);
  });

  it("let through twice the limit around a boundary, and the estimate less", () => {
    expect(busiestWindow(alignedWindowsStory("fixed-window").decisions)).toEqual({ fromMs: 7_000, admissions: 8 });
    const { admissions } = busiestWindow(alignedWindowsStory("sliding-window-counter").decisions);
    expect(admissions).toBeGreaterThan(4);
    expect(admissions).toBeLessThan(8);
  });
});

it("slots are taken exactly while a bar is drawn, and never more than there are", () => {
  const samples = Array.from({ length: 170 }, (_, i) => i * 100 + 50);
  const { slots, takenAt } = slotsStory(samples);
  for (const atMs of samples) {
    const drawn = slots.filter((one) => one.allowed && one.atMs <= atMs && one.endMs > atMs);
    expect(takenAt.get(atMs), `at ${atMs} ms`).toBe(drawn.length);
    expect(new Set(drawn.map((one) => one.lane)).size).toBe(drawn.length);
  }
  expect(slots.some((one) => !one.allowed) && slots.some((one) => one.allowed && !one.givenBack)).toBe(true);
});

it("failover draws the trial that the bench calls its median, with its gap", () => {
  const { shown, trials } = JSON.parse(
    fs.readFileSync(new URL("../../../bench/results/failover.json", import.meta.url), "utf8"),
  );
  expect(longestGap(measuredCalls())).toEqual(shown.gap);
  expect(trials[shown.trial - 1].gapMs).toBe(shown.gap.gapMs);
});

describe("the log's layout", () => {
  /** Bytes of every field, by name, at the offset at which the picture has it. */
  function fieldsOf(bytes: Buffer, fields: readonly layout.LogField[], at = 0): Record<string, string> {
    let offset = at;
    return Object.fromEntries(
      fields.map(({ name, bytes: length }) => {
        offset += length;
        return [
          name,
          Buffer.from(bytes.subarray(offset - length, offset))
            .reverse()
            .toString("hex")
            .replace(/^0+(?=.)/, ""),
        ];
      }),
    );
  }

  it("is that of a frame as it is written", () => {
    const data = Uint8Array.of(1, 2, 3);
    const frame = encodeFrame(
      {
        hardState: { term: 0x21, vote: 0x22, commit: 0x23 },
        entries: [{ term: 0x24, index: 0x25, type: 0, data }],
        reset: { index: 0x26, term: 0x27 },
        abstains: false,
      },
      0x28,
      0,
    );
    const headerBytes = layout.frameHeader.reduce((sum, field) => sum + field.bytes, 0);
    expect(fieldsOf(frame, layout.frameHeader)).toMatchObject({
      'magic "QGfr"': Buffer.from("QGfr").reverse().toString("hex"),
      flags: "1",
      entries: "1",
      "body bytes": (16 + data.length).toString(16),
      sequence: "28",
      "index of first entry": "25",
      term: "21",
      vote: "22",
      commit: "23",
      "snapshot index": "26",
      "snapshot term": "27",
    });
    expect(fieldsOf(frame, layout.entryHeader, headerBytes)).toEqual({ term: "24", bytes: "3", type: "0" });
    const entryHeaderBytes = layout.entryHeader.reduce((sum, field) => sum + field.bytes, 0);
    expect([...frame.subarray(headerBytes + entryHeaderBytes).subarray(0, 4)]).toEqual([1, 2, 3, 0]);
    expect(frame).toHaveLength(frameBytes(1, data.length));
    expect(layout.sectorBytes).toBe(sectorBytes);
  });

  it("is that of a segment header as it is written", () => {
    const identity = { clusterId: "c1".repeat(16), nodeId: 0x31 };
    const place = { segmentId: "5e".repeat(8), firstSequence: 0x32, previousSegmentId: "5d".repeat(8) };
    const sector = encodeSegmentHeader(identity, { ...place, preparedBytes: 0x33 });
    expect(fieldsOf(sector, layout.segmentHeader)).toMatchObject({
      'magic "QGsg"': Buffer.from("QGsg").reverse().toString("hex"),
      version: "2",
      "cluster id": "c1".repeat(16),
      "node id": "31",
      "segment id": "5e".repeat(8),
      "first sequence": "32",
      "previous segment": "5d".repeat(8),
      "prepared bytes": "33",
    });
    const used = layout.segmentHeader.reduce((sum, field) => sum + field.bytes, 0);
    expect(sector.subarray(used).every((byte) => byte === 0)).toBe(true);
    expect(sector.subarray(used - 4, used).some((byte) => byte !== 0)).toBe(true);
  });
});

describe("the rooms", () => {
  /** Whether a file may import this, by the table that `npm run tidy` enforces. */
  const mayImport = (path: string, specifier: string) =>
    checkLayers({ path, imports: [{ specifier, line: 1 }] } as unknown as SourceFile).length === 0;

  it("stand above every package that they may import", () => {
    let allowed = 0;
    for (const [from, fromLevel] of Object.entries(packageLevels)) {
      for (const [to, toLevel] of Object.entries(packageLevels)) {
        if (from === to || !mayImport(`packages/${from}/src/x.ts`, `@quorumguard/${to}`)) continue;
        allowed += 1;
        expect(fromLevel, `${from} → ${to}`).toBeGreaterThan(toLevel);
      }
    }
    expect(allowed).toBeGreaterThan(10);
  });

  it("stand above every folder of cluster that they may import, and only those", () => {
    for (const [from, fromLevel] of Object.entries(clusterLevels)) {
      for (const [to, toLevel] of Object.entries(clusterLevels)) {
        if (from === to) continue;
        expect(mayImport(`packages/cluster/src/${from}/x.ts`, `../${to}/y.ts`), `${from} → ${to}`).toBe(
          fromLevel > toLevel,
        );
      }
    }
  });

  it("are all published packages, and all folders of cluster", () => {
    const root = new URL("../../../packages/", import.meta.url);
    const manifest = (name: string) => JSON.parse(fs.readFileSync(new URL(`${name}/package.json`, root), "utf8"));
    const published = fs.readdirSync(root).filter((name) => manifest(name).private !== true);
    expect(Object.keys(packageLevels)).toEqual(expect.arrayContaining(published));
    const folders = fs
      .readdirSync(new URL("cluster/src/", root), { withFileTypes: true })
      .filter((one) => one.isDirectory());
    expect(Object.keys(clusterLevels)).toEqual(expect.arrayContaining(folders.map((one) => one.name)));
  });
});
