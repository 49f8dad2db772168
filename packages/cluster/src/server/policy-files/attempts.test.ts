import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Attempted, Attempts } from "./attempts.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Attempts that a test ends, at things that it says are due. */
class Scene {
  due: string[] = [];
  readonly begun: string[] = [];
  readonly pausesMs: number[] = [];
  #end: (attempted: Attempted) => void = () => {};
  readonly attempts = new Attempts({
    attempt: (pauseMs) => {
      const [first] = this.due;
      if (first === undefined) return null;
      this.begun.push(first);
      this.pausesMs.push(pauseMs);
      return new Promise<Attempted>((resolve) => {
        this.#end = resolve;
      });
    },
    retryMs: 100,
    maxRetryMs: 350,
  });

  async end(attempted: Attempted): Promise<void> {
    if (attempted === "settled") this.due.shift();
    this.#end(attempted);
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe("attempts at what is due", () => {
  it("begin one after the other, and end when nothing is due any more", async () => {
    const scene = new Scene();
    scene.attempts.prompt();
    expect(scene.begun).toEqual([]);
    scene.due = ["a"];
    scene.attempts.prompt();
    scene.due.push("b");
    scene.attempts.prompt();
    expect(scene.begun).toEqual(["a"]);
    await scene.end("settled");
    expect(scene.begun).toEqual(["a", "b"]);
    await scene.end("settled");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(scene.begun).toEqual(["a", "b"]);
  });

  it("are made again while what hinders them may pass, after pauses that double up to a bound", async () => {
    const scene = new Scene();
    scene.due = ["a"];
    scene.attempts.prompt();
    for (const pauseMs of [100, 200, 350, 350]) {
      await scene.end("again");
      const { length } = scene.begun;
      await vi.advanceTimersByTimeAsync(pauseMs - 1);
      expect(scene.begun).toHaveLength(length);
      await vi.advanceTimersByTimeAsync(1);
      expect(scene.begun).toHaveLength(length + 1);
    }
    // The next one after a success begins with the shortest pause.
    await scene.end("settled");
    scene.due = ["b"];
    scene.attempts.prompt();
    expect(scene.pausesMs).toEqual([100, 200, 350, 350, 350, 100]);
  });

  it("wait for no pause when something new is due, and are not made twice for it", async () => {
    const scene = new Scene();
    scene.due = ["a"];
    scene.attempts.prompt();
    await scene.end("again");
    scene.due = ["b"];
    scene.attempts.prompt();
    expect(scene.begun).toEqual(["a", "b"]);
    await scene.end("settled");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(scene.begun).toEqual(["a", "b"]);
  });

  it.each(["settled", "again"] as const)(
    "begin no more once they are closed, whatever the last came to: %s",
    async (to) => {
      const scene = new Scene();
      scene.due = ["a", "b"];
      scene.attempts.prompt();
      scene.attempts.close();
      await scene.end(to);
      scene.attempts.prompt();
      await vi.advanceTimersByTimeAsync(10_000);
      expect(scene.begun).toEqual(["a"]);
    },
  );

  it("are not made after a close in a pause", async () => {
    const scene = new Scene();
    scene.due = ["a"];
    scene.attempts.prompt();
    await scene.end("again");
    scene.attempts.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(scene.begun).toEqual(["a"]);
  });
});
