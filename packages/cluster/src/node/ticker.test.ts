import { describe, expect, test } from "vitest";
import { ManualClock } from "./manual-clock.fixture.ts";
import { Ticker } from "./ticker.ts";

function start(): { clock: ManualClock; ticker: Ticker; ticks: () => number } {
  const clock = new ManualClock();
  let count = 0;
  const turn = (): void => {
    if (ticker.due() !== null) count++;
  };
  const ticker = new Ticker(clock, 10, () => clock.endOfTurn(turn));
  return { clock, ticker, ticks: () => count };
}

describe("ticks", () => {
  test("A13: keep to multiples of the interval from a fixed origin, however late each is noticed", () => {
    const { clock, ticks } = start();
    for (let i = 0; i < 100; i++) clock.advance(7);
    expect(clock.monotonicMs()).toBe(1_700);
    expect(ticks()).toBe(70);
  });

  test("a pause of this process is one tick, and only after another turn has handed over what had queued up", () => {
    const { clock, ticks } = start();
    clock.advance(10);
    expect(ticks()).toBe(1);
    clock.advance(500);
    expect(ticks()).toBe(1);
    clock.endTurn();
    expect(ticks()).toBe(2);
    clock.endTurn();
    expect(ticks()).toBe(2);
    clock.advance(10);
    expect(ticks()).toBe(3);
  });

  test("end with the node", () => {
    const { clock, ticker, ticks } = start();
    ticker.stop();
    clock.advance(100);
    expect(ticks()).toBe(0);
  });
});
