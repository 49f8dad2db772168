import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { type SignalledProcess, takeEndSignals } from "./end-signals.ts";

function program() {
  const process = new EventEmitter();
  const exits: number[] = [];
  const exit = (code: number) => void exits.push(code);
  const signals = takeEndSignals(Object.assign(process, { exit }) as unknown as SignalledProcess);
  return { process, exits, signals };
}

it.each(["SIGINT", "SIGTERM", "SIGHUP"])("%s while nobody waits leaves at once", (signal) => {
  const { process, exits } = program();
  process.emit(signal);
  expect(exits).toEqual([130]);
});

it.each(["SIGINT", "SIGTERM", "SIGHUP"])(
  "%s while somebody waits is told, and the next one leaves at once",
  async (signal) => {
    const { process, exits, signals } = program();
    const first = signals.first();
    process.emit(signal);
    await first;
    expect(exits).toEqual([]);
    process.emit("SIGINT");
    expect(exits).toEqual([130]);
  },
);
