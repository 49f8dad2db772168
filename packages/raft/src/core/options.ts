import type { RaftOptions } from "../types.ts";

const mebibyte = 1 << 20;

/** Options with every default filled in and every bound checked. */
export type ResolvedRaftOptions = Required<Omit<RaftOptions, "trace">> & Pick<RaftOptions, "trace">;

function requireInteger(name: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new RangeError(`${name}: ${value} is not an integer of at least ${min}`);
}

/**
 * Fills in defaults and checks bounds.
 * @throws {RangeError} naming the field, its value and its bound.
 */
export function resolveRaftOptions(options: RaftOptions): ResolvedRaftOptions {
  const resolved = {
    maxBytesPerMessage: mebibyte,
    maxCommittedBytesPerReady: options.maxBytesPerMessage ?? mebibyte,
    maxUncommittedBytes: 64 * mebibyte,
    maxInflightMessages: 256,
    maxInflightBytes: 16 * mebibyte,
    readOnly: "safe" as const,
    disableConfChangeValidation: false,
    stepDownOnRemoval: false,
    disableProposalForwarding: false,
    ...options,
  };
  requireInteger("id", resolved.id, 1);
  requireInteger("applied", resolved.applied, 0);
  requireInteger("heartbeatTicks", resolved.heartbeatTicks, 1);
  requireInteger("electionTimeoutTicks", resolved.electionTimeoutTicks, resolved.heartbeatTicks + 1);
  const limits = [
    "maxBytesPerMessage",
    "maxCommittedBytesPerReady",
    "maxUncommittedBytes",
    "maxInflightMessages",
    "maxInflightBytes",
  ] as const;
  for (const name of limits) requireInteger(name, resolved[name], 1);
  if (resolved.readOnly === "lease" && !resolved.checkQuorum) {
    throw new RangeError(
      'readOnly: "lease" needs checkQuorum: without it a deposed leader never learns that it is one',
    );
  }
  return resolved;
}
