import { expect, test, vi } from "vitest";
import { createAnswerLog } from "./answer-log.ts";

const answer = (endUs: number, source = "quorum") => ({
  startUs: endUs - 1,
  endUs,
  source,
  allowed: true,
  error: null,
});

test("whoever waits for more answers is told when there are so many that are fresh", async () => {
  const log = createAnswerLog();
  log.heard(answer(1));
  let told = false;
  const waiting = log.more(2, 60_000).then(() => {
    told = true;
  });
  log.heard(answer(2));
  log.heard(answer(3, "local"));
  await Promise.resolve();
  expect(told).toBe(false);
  log.heard(answer(4));
  await waiting;
  expect(log.answers).toHaveLength(4);
});

test("who waited too long is told how many came", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const log = createAnswerLog();
    const waiting = expect(log.more(3, 1_000)).rejects.toThrow("the caller was given 1 of 3 answers in 1000 ms");
    log.heard(answer(1));
    vi.advanceTimersByTime(1_000);
    await waiting;
  } finally {
    vi.useRealTimers();
  }
});

test("old answers can be forgotten", () => {
  const log = createAnswerLog();
  for (const endUs of [10, 20, 30]) log.heard(answer(endUs));
  log.forgetBefore(20);
  expect(log.answers.map(({ endUs }) => endUs)).toEqual([20, 30]);
});
