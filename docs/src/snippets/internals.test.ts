import fs from "node:fs";
import { expect, it } from "vitest";
import {
  decodeFrame,
  encodeFrame,
  encodeSegmentHeader,
  formatVersion,
  sectorBytes,
  segmentSeed,
} from "../../../packages/cluster/src/storage/log-frame.ts";
import { encodeSnapshotFooter, encodeSnapshotHeader } from "../../../packages/cluster/src/storage/snapshot-file.ts";

const page = fs.readFileSync(new URL("../content/docs/internals/log-format.mdx", import.meta.url), "utf8");

interface Field {
  readonly at: number;
  readonly bytes: number;
  readonly name: string;
}

/** The fields of the first table after a heading. Fields at a place that is a sum have none here. */
function tableAfter(heading: string): readonly Field[] {
  const section = page.slice(page.indexOf(`${heading}\n`) + heading.length);
  const rows = /(?:^\|.*\n)+/m.exec(section)![0];
  return [...rows.matchAll(/^\| (\d+) +\| (\d+) +\| (.+?) +\|$/gm)].map(([, at, bytes, name = ""]) => ({
    at: Number(at),
    bytes: Number(bytes),
    name,
  }));
}

/** The value of the field whose description begins so. */
function valueIn(bytes: Buffer, fields: readonly Field[], name: string): number {
  const field = fields.find((each) => each.name.startsWith(name));
  expect(field, name).toBeDefined();
  return field!.bytes === 8 ? Number(bytes.readBigUInt64LE(field!.at)) : bytes.readUIntLE(field!.at, field!.bytes);
}

function textIn(bytes: Buffer, fields: readonly Field[], name: string, encoding: "hex" | "latin1"): string {
  const field = fields.find((each) => each.name.startsWith(name))!;
  return bytes.toString(encoding, field.at, field.at + field.bytes);
}

/** Every byte from 0 to the end belongs to one field. */
function expectNoGap(fields: readonly Field[], end: number): void {
  let at = 0;
  for (const field of fields) {
    expect(field.at, field.name).toBe(at);
    at += field.bytes;
  }
  expect(at).toBe(end);
}

const clusterId = "000102030405060708090a0b0c0d0e0f";
const entries = [7, 8].map((term, at) => ({
  term,
  index: 41 + at,
  type: 0 as const,
  data: Buffer.alloc(3 + at, 0xab),
}));

it("the segment header is as the page says", () => {
  const fields = tableAfter("### Segment header");
  const place = {
    segmentId: "1122334455667788",
    firstSequence: 99,
    previousSegmentId: "8877665544332211",
    preparedBytes: 16_777_216,
  };
  const bytes = encodeSegmentHeader({ clusterId, nodeId: 3 }, place);
  expectNoGap(fields, 68);
  expect(bytes.length).toBe(sectorBytes);
  expect(page).toContain(`header sector of ${sectorBytes} bytes`);
  expect(textIn(bytes, fields, "magic", "latin1")).toBe("QGsg");
  expect(valueIn(bytes, fields, "version")).toBe(formatVersion);
  expect(textIn(bytes, fields, "cluster id", "hex")).toBe(clusterId);
  expect(valueIn(bytes, fields, "node id")).toBe(3);
  expect(textIn(bytes, fields, "segment id", "hex")).toBe("1122334455667788");
  expect(valueIn(bytes, fields, "sequence of the first")).toBe(99);
  expect(textIn(bytes, fields, "id of the segment before", "hex")).toBe("8877665544332211");
  expect(valueIn(bytes, fields, "bytes of the file")).toBe(16_777_216);
});

it("a frame and its body are as the page says", () => {
  const fields = tableAfter("### Frame header");
  const frame = { hardState: { term: 9, vote: 2, commit: 40 }, entries, reset: { index: 39, term: 6 }, abstains: true };
  const seed = segmentSeed("1122334455667788");
  const bytes = encodeFrame(frame, 17, seed);
  const end = 80;
  expectNoGap(fields, end);
  expect(bytes.length % sectorBytes).toBe(0);
  expect(textIn(bytes, fields, "magic", "latin1")).toBe("QGfr");
  const expected = { flags: 3, "number of entries": 2, sequence: 17, "index of the first entry": 41 };
  for (const [name, value] of Object.entries(expected)) expect(valueIn(bytes, fields, name), name).toBe(value);
  const state = { term: 9, vote: 2, commit: 40, "index of the snapshot": 39, "term of the snapshot": 6 };
  for (const [name, value] of Object.entries(state)) expect(valueIn(bytes, fields, name), name).toBe(value);

  const perEntry = tableAfter("### Body");
  expectNoGap(perEntry, 16);
  expect(valueIn(bytes, fields, "bytes of the body")).toBe(2 * 16 + 3 + 4);
  entries.forEach((entry, at) => {
    const header = bytes.subarray(end + at * 16);
    expect(valueIn(header, perEntry, "term")).toBe(entry.term);
    expect(valueIn(header, perEntry, "bytes of data")).toBe(entry.data.length);
    expect(valueIn(header, perEntry, "type")).toBe(entry.type);
  });
  expect(bytes[end + 32]).toBe(0xab);
  // Seeded: the same bytes are no frame in another segment.
  expect(decodeFrame(bytes, 0, seed)?.sequence).toBe(17);
  expect(decodeFrame(bytes, 0, segmentSeed("1122334455667789"))).toBeNull();
});

it("a snapshot is as the page says", () => {
  const confState = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const bytes = encodeSnapshotHeader({ index: 12, term: 3, confState }, clusterId);
  const fields = tableAfter("## Snapshots");
  expectNoGap(fields, 48);
  expect(textIn(bytes, fields, "magic", "latin1")).toBe("QGsnap01");
  expect(valueIn(bytes, fields, "version")).toBe(1);
  expect(valueIn(bytes, fields, "bytes of the membership")).toBe(JSON.stringify(confState).length);
  expect(valueIn(bytes, fields, "index")).toBe(12);
  expect(valueIn(bytes, fields, "term")).toBe(3);
  expect(textIn(bytes, fields, "cluster id", "hex")).toBe(clusterId);
  expect(encodeSnapshotFooter(1, 2, 0).length).toBe(20);
});
