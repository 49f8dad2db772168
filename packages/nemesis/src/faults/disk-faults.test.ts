import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { diskFaults } from "./disk-faults.ts";
import type { FaultScene } from "./fault.ts";

let child: ChildProcess | null = null;
afterEach(() => {
  child?.kill("SIGKILL");
  child = null;
});

/** A scene of one node, the process `pid`, that ends by itself when a write is refused, or never writes. */
function scene(writes: boolean, pid: number) {
  const done: string[] = [];
  const cluster = {
    kindOf: () => "binary",
    pid: () => pid,
    isUp: () => true,
    mayEnd: () => (writes ? Promise.resolve({ tail: "" }) : new Promise(() => {})),
    ready: async () => {},
    start: async () => void done.push("start"),
    bury: async () => void done.push("bury"),
    smallDisk: {
      nodeId: 1,
      disk: { fill: async () => void done.push("fill"), empty: async () => void done.push("empty") },
    },
  } as unknown as FaultScene["cluster"];
  const made: FaultScene = {
    cluster,
    clients: null as unknown as FaultScene["clients"],
    random: createRandom(3),
    happened: (kind) => void done.push(kind),
    pause: () => new Promise(setImmediate),
  };
  return { made, done };
}

const run = (kind: string, made: FaultScene) => diskFaults.find((one) => one.kind === kind)!.run(made, [1]);

test("a full disk counts if its node needed room, and not otherwise", async () => {
  const idle = scene(false, process.pid);
  await run("diskFull", idle.made);
  expect(idle.done).toEqual(["fill", "empty"]);
  const busy = scene(true, process.pid);
  await run("diskFull", busy.made);
  expect(busy.done.slice(0, 2)).toEqual(["fill", "diskFull"]);
});

test.skipIf(spawnSync("prlimit", ["--version"]).error !== undefined)(
  "a disk that refuses every write counts if there was one, and not otherwise",
  async () => {
    child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e9)"]);
    for (const [writes, expected] of [
      [false, ["bury", "start"]],
      [true, ["diskError", "bury", "start"]],
    ] as const) {
      const { made, done } = scene(writes, child.pid!);
      await run("diskError", made);
      expect(done).toEqual(expected);
    }
  },
);
