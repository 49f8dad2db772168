import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { ServerInterceptingCallInterface, StatusObject } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CallError } from "./call-error.ts";
import { boundOpen, watchArrival } from "./grpc-arrival.ts";
import { grpcStatus } from "./grpc-errors.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watched(came: (bytes: number) => void) {
  const stream = Object.assign(new EventEmitter(), { close: vi.fn() });
  const statuses: StatusObject[] = [];
  const call = { stream, sendStatus: (status: StatusObject) => statuses.push(status) };
  const asStatus = (error: unknown) => grpcStatus(error as CallError);
  const stop = watchArrival(call as unknown as ServerInterceptingCallInterface, { came, asStatus, timeoutMs: 1_000 });
  return { stream, statuses, stop };
}

it("tells of all that has come so far, until the request is whole", () => {
  const told: number[] = [];
  const { stream, statuses, stop } = watched((bytes) => told.push(bytes));
  stream.emit("data", Buffer.alloc(3));
  stream.emit("data", Buffer.alloc(4));
  stop();
  stream.emit("data", Buffer.alloc(5));
  vi.advanceTimersByTime(10_000);
  expect([told, statuses, stream.close.mock.calls.length]).toEqual([[3, 7], [], 0]);
});

it("a request that is too large is refused once, and its stream is let go", () => {
  const { stream, statuses } = watched(boundOpen);
  stream.emit("data", Buffer.alloc(4_096));
  expect(statuses).toEqual([]);
  stream.emit("data", Buffer.alloc(1));
  stream.emit("data", Buffer.alloc(1));
  vi.advanceTimersByTime(10_000);
  expect(statuses.map(({ code, details }) => [code, details])).toEqual([[3, "the request has more than 4096 bytes"]]);
  expect(stream.close).toHaveBeenCalledTimes(1);
});

it("a request that does not become whole is refused in time, and its stream is let go", () => {
  const { stream, statuses } = watched(() => {});
  stream.emit("data", Buffer.alloc(4));
  vi.advanceTimersByTime(999);
  expect(statuses).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(statuses.map(({ details }) => details)).toEqual(["the request did not come within 1000 ms"]);
  expect([stream.close.mock.calls.length, stream.listenerCount("data")]).toEqual([1, 0]);
});
