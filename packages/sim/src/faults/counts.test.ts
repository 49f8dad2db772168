import { describe, expect, test } from "vitest";
import type { NodeMachine } from "../cluster/node-host.ts";
import { createDirectedFaults } from "./directed-faults.ts";
import { createDiskFaults } from "./disk-faults.ts";
import type { CountedFault } from "./fault-plan.ts";
import { createNodeFaults } from "./node-faults.ts";
import type { Toolbox } from "./toolbox.ts";

/** The tools over one node that does what a test says; what was put off comes as the time elapses. */
function newScene(node: object = {}, drawn = "EIO") {
  const counted: CountedFault[] = [];
  const put: { readonly delayUs: number; readonly action: () => void }[] = [];
  const snapshots: string[] = [];
  const machine = {
    ...{ name: "node-1", running: { node }, excuses: new Set(), awaitDisk: null, nextError: null },
    ...{ diskSpeed: { callUs: 1, flushUs: 1, stallChance: 0, stallUs: 1 }, disk: { list: () => snapshots } },
  } as unknown as NodeMachine;
  const random = {
    pick: <T>(list: readonly T[]) => list.find((one) => one === drawn) ?? list[0]!,
    below: () => 0,
    chance: () => false,
  };
  const nothing = () => {};
  const crash = () => {
    machine.running = null;
  };
  const elapse = () => {
    for (const { action } of put.sort((one, other) => one.delayUs - other.delayUs)) action();
  };
  const toolbox = {
    ...{
      random,
      victim: () => machine,
      impaired: new Set(),
      note: nothing,
      impair: nothing,
      ms: (from: number) => from,
    },
    nodes: { machines: [machine], crash },
    later: (delayUs: number, _label: string, action: () => void) => void put.push({ delayUs, action }),
    count: (kind: CountedFault) => void counted.push(kind),
  } as unknown as Toolbox;
  return { toolbox, machine, counted, elapse, snapshots };
}

test.each([
  ["EIO", "diskError"],
  ["ENOSPC", "diskFull"],
])("%s counts as %s, once an operation fails with it", (code, kind) => {
  const { toolbox, machine, counted } = newScene({}, code);
  expect(createDiskFaults(toolbox).diskError()).toBe("waits");
  expect(counted).toEqual([]);
  machine.nextError!.struck();
  expect(counted).toEqual([kind]);
});

test.each(["slowDisk", "stalledDisk"] as const)("%s counts once, when a flush has to wait for it", (kind) => {
  const { toolbox, machine, counted } = newScene();
  expect(createNodeFaults(toolbox)[kind]()).toBe("waits");
  expect(counted).toEqual([]);
  machine.diskSpeed.stalled!();
  machine.diskSpeed.stalled!();
  expect(counted).toEqual([kind]);
});

describe("a crash at a snapshot", () => {
  const node = { takeSnapshot: async () => ({}) };

  test.each([
    ["crashInSnapshot", "write", "snapshots/1.part"],
    ["crashAfterSnapshot", "rename", "snapshots/1.snap"],
  ] as const)("%s counts at its moment", (kind, operation, path) => {
    const { toolbox, machine, counted, elapse, snapshots } = newScene(node);
    createDirectedFaults(toolbox)[kind]();
    snapshots.push(path);
    expect(machine.awaitDisk!(operation, path)).toBe(true);
    expect(counted).toEqual([]);
    elapse();
    expect([counted, machine.running]).toEqual([[kind], null]);
  });

  test.each(["crashInSnapshot", "crashAfterSnapshot"] as const)("%s is none where no snapshot came", (kind) => {
    const { toolbox, machine, counted, elapse } = newScene(node);
    createDirectedFaults(toolbox)[kind]();
    elapse();
    expect([counted, machine.running]).toEqual([[], null]);
  });

  test("a snapshot that is finished before the crash was not crashed in", () => {
    const { toolbox, machine, counted, elapse } = newScene(node);
    createDirectedFaults(toolbox).crashInSnapshot();
    expect(machine.awaitDisk!("write", "snapshots/1.part")).toBe(true);
    elapse();
    expect(counted).toEqual([]);
  });
});

test.each([true, false])("a request counts if it is granted: %s", async (isGranted) => {
  const answer = async () => {
    if (!isGranted) throw new Error("refused");
    return { index: 2 };
  };
  const status = () => ({ snapshotIndex: 1 });
  const { toolbox, counted } = newScene({ leads: true, status, takeSnapshot: answer, transferLeadership: answer });
  const faults = createNodeFaults(toolbox);
  for (const kind of ["snapshot", "transfer"] as const) expect(faults[kind]()).toBe("waits");
  expect(counted).toEqual([]);
  await Promise.resolve();
  expect(counted).toEqual(isGranted ? ["snapshot", "transfer"] : []);
});

test("a crash that waits for a flush does not count where the node is gone by then", () => {
  const { toolbox, machine, counted, elapse } = newScene();
  const { kill } = createNodeFaults(toolbox);
  expect(kill()).toBe("waits");
  machine.running = null;
  elapse();
  expect(counted).toEqual([]);
});
