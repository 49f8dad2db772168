import { expect, test } from "vitest";
import { idlePercent, parseCoreTimes, readCoreTimes } from "./core-times.ts";

test("idle is who ran nobody, of all cores and of all that they can do", () => {
  const text = (user: number, idle: number, iowait: number) =>
    `cpu  ${user} 1 20 ${idle} ${iowait} 2 3 4 5 6\ncpu0 9 9 9 9 9 9 9 9 9 9\nintr 7\n`;
  const before = parseCoreTimes(text(10, 100, 5));
  expect(before).toEqual({ idle: 105, all: 145 });
  expect(idlePercent(before, parseCoreTimes(text(70, 130, 15)))).toBe(40);
});

test("the machine tells it", async () => {
  const { idle, all } = await readCoreTimes();
  expect(idle).toBeGreaterThan(0);
  expect(all).toBeGreaterThan(idle);
});
