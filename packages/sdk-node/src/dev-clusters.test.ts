import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { announceDevCluster, devEndpoints } from "./dev-clusters.ts";

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(path.join(tmpdir(), "dev-clusters-"));
  folder = path.join(parent, "own");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const here = ["127.0.0.1:7500", "127.0.0.1:7510"];

/** A file as another process would have written it; `pid` is this one's, which runs. */
function put(name: string, cluster: object): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `dev-${name}.json`);
  writeFileSync(file, JSON.stringify({ pid: process.pid, startedMs: 1, endpoints: here, ...cluster }));
  return file;
}

test("a cluster that was announced is found until it ends, and leaves nothing behind", () => {
  expect(devEndpoints(folder)).toBeNull();
  const end = announceDevCluster(here, folder);
  expect(devEndpoints(folder)).toEqual(here);
  end!();
  expect(devEndpoints(folder)).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});

test("of several the one at the default port is meant, else the one that was started last", () => {
  put("1", { startedMs: 2, endpoints: ["127.0.0.1:7500"] });
  put("2", { startedMs: 3, endpoints: ["127.0.0.1:7600"] });
  expect(devEndpoints(folder)).toEqual(["127.0.0.1:7600"]);
  put("3", { startedMs: 1, endpoints: ["127.0.0.1:7400", "127.0.0.1:7410"] });
  expect(devEndpoints(folder)).toEqual(["127.0.0.1:7400", "127.0.0.1:7410"]);
});

test("one whose process is gone, or says nothing any more, is not there", () => {
  // No process has a number above 2^22.
  put("1", { pid: 2 ** 30 });
  expect(devEndpoints(folder)).toBeNull();
  const silent = put("2", {});
  expect(devEndpoints(folder)).toEqual(here);
  const before = new Date(Date.now() - 60_000);
  utimesSync(silent, before, before);
  expect(devEndpoints(folder)).toBeNull();
});

test("who announces a cluster clears away those of processes that are gone, and no others", () => {
  put("1", { pid: 2 ** 30 });
  put("2", {});
  const end = announceDevCluster(here, folder);
  expect(readdirSync(folder).sort()).toEqual(["dev-2.json", `dev-${process.pid}.json`].sort());
  end!();
});

test("a file that somebody else cleared away is written anew while its cluster runs", () => {
  vi.useFakeTimers();
  try {
    const end = announceDevCluster(here, folder);
    for (const name of readdirSync(folder)) rmSync(path.join(folder, name));
    expect(devEndpoints(folder)).toBeNull();
    vi.advanceTimersByTime(2_000);
    expect(readdirSync(folder)).toEqual([`dev-${process.pid}.json`]);
    end!();
    vi.advanceTimersByTime(10_000);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ["no JSON", "{"],
  ["no cluster", "null"],
  ["no process", JSON.stringify({ startedMs: 1, endpoints: here })],
  ["no endpoints", JSON.stringify({ pid: process.pid, startedMs: 1, endpoints: [] })],
  ["another machine", JSON.stringify({ pid: process.pid, startedMs: 1, endpoints: ["10.0.0.1:7400"] })],
  ["too long", JSON.stringify({ pid: process.pid, startedMs: 1, endpoints: here, more: "x".repeat(5_000) })],
])("a file with %s is passed over, beside one that is right", (_, text) => {
  writeFileSync(put("1", {}), text);
  expect(devEndpoints(folder)).toBeNull();
  put("2", {});
  expect(devEndpoints(folder)).toEqual(here);
});

test.skipIf(process.getuid === undefined)("a folder that others may have written to is neither read nor used", () => {
  put("1", {});
  chmodSync(folder, 0o777);
  expect(devEndpoints(folder)).toBeNull();
  expect(announceDevCluster(here, folder)).toBeNull();
  chmodSync(folder, 0o700);
  expect(devEndpoints(folder)).toEqual(here);
  const elsewhere = path.join(parent, "link");
  symlinkSync(folder, elsewhere);
  expect(devEndpoints(elsewhere)).toBeNull();
});
