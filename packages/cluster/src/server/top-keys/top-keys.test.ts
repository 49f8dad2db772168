import { describe, expect, it } from "vitest";
import { nameOf, type TopKey, TopKeys } from "./top-keys.ts";

const keyed = (key: string, policy = "login", namespace = "") => nameOf({ namespace, policy, key });

function clocked(options: { readonly capacity?: number; readonly generationMs?: number } = {}) {
  const clock = { nowMs: 0 };
  return { clock, top: new TopKeys({ nowMs: () => clock.nowMs, ...options }) };
}

describe("top keys", () => {
  it("are listed by load and by denials, the heaviest first", () => {
    const { clock, top } = clocked();
    for (let i = 0; i < 3; i++) top.decided(keyed("a"), false, 1);
    for (let i = 0; i < 2; i++) top.decided(keyed("b"), true, 1);
    clock.nowMs = 1_500;
    expect(top.read("load", 10)).toEqual({
      overMs: 1_500,
      keys: [
        { namespace: "", policy: "login", key: "a", count: 3, overcount: 0, undercount: 0 },
        { namespace: "", policy: "login", key: "b", count: 2, overcount: 0, undercount: 0 },
      ],
    });
    expect(top.read("denials", 10).keys.map(({ key }) => key)).toEqual(["b"]);
    expect(top.read("load", 1).keys.map(({ key }) => key)).toEqual(["a"]);
  });

  it("are told apart by namespace, policy and key, whatever characters these have", () => {
    const { top } = clocked();
    const names = [
      keyed("c", "b", "a"),
      keyed("bc", "", "a"),
      keyed("c", "ab"),
      keyed("abc", ""),
      keyed("1:1:abc", ""),
    ];
    for (const name of names) top.decided(name, true, 1);
    expect(new Set(names).size).toBe(names.length);
    expect(top.read("denials", 10).keys).toHaveLength(5);
    expect(top.read("denials", 10).keys).toContainEqual({
      namespace: "a",
      policy: "b",
      key: "c",
      count: 1,
      overcount: 0,
      undercount: 0,
    });
    expect(top.read("denials", 10, "a").keys.map(({ namespace }) => namespace)).toEqual(["a", "a"]);
  });

  it("count a sampled decision for all that it stands for, and own up to what chance may have added and left out", () => {
    const { top } = clocked();
    for (let i = 0; i < 100; i++) top.decided(keyed("a"), true, 16);
    const [{ count, overcount, undercount }] = top.read("denials", 1).keys as [TopKey];
    expect(count).toBe(1_600);
    // 100 of a chance of 1 in 16: half and twice as much would be odd, but a quarter more or less is nothing special.
    expect(overcount).toBeGreaterThan(400);
    expect(overcount).toBeLessThan(800);
    expect(undercount).toBeGreaterThan(400);
    expect(undercount).toBeLessThan(1_000);
  });

  it("are those of the last one or two generations; what is older is forgotten", () => {
    const { clock, top } = clocked({ generationMs: 100 });
    top.decided(keyed("old"), false, 1);
    clock.nowMs = 150;
    top.decided(keyed("old"), false, 1);
    expect(top.read("load", 10)).toMatchObject({ overMs: 150, keys: [{ key: "old", count: 2 }] });
    clock.nowMs = 260;
    expect(top.read("load", 10)).toMatchObject({ overMs: 110, keys: [{ key: "old", count: 1 }] });
    clock.nowMs = 1_000;
    expect(top.read("load", 10)).toEqual({ overMs: 0, keys: [] });
  });

  it("own up to what two generations together may overcount", () => {
    const { clock, top } = clocked({ generationMs: 100, capacity: 1 });
    for (let i = 0; i < 5; i++) top.decided(keyed("a"), false, 1);
    clock.nowMs = 100;
    top.decided(keyed("b"), false, 1);
    expect(top.read("load", 10).keys).toEqual([
      { namespace: "", policy: "login", key: "a", count: 6, overcount: 1, undercount: 0 },
      { namespace: "", policy: "login", key: "b", count: 6, overcount: 5, undercount: 0 },
    ]);
  });
});
