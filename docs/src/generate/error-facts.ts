import { create } from "@bufbuild/protobuf";
import { PolicyError, type PolicyErrorCode } from "@quorumguard/limiter";
import {
  Applied,
  AppliedSchema,
  ErrorDetailSchema,
  ErrorReason,
  ErrorReasonSchema,
  Outcome,
  OutcomeSchema,
} from "@quorumguard/proto";
import { outcomeUnknown } from "../../../packages/cluster/src/node/failures.ts";
import type { NodeFailure } from "../../../packages/cluster/src/node/node.ts";
import {
  type CallError,
  failureError,
  outcomeError,
  StatusCode,
} from "../../../packages/cluster/src/server/call-error.ts";
import { policyCallError, policyRefusals } from "../../../packages/cluster/src/server/make-change.ts";
import {
  forbidden,
  overused,
  scopeReasons,
  tokenReasons,
  unauthenticated,
} from "../../../packages/cluster/src/server/tokens/token-refusal.ts";
import { failureOfDetail, failureOfOutcome } from "../../../packages/sdk-core/src/calls/wire-errors.ts";
import { guardErrorCodes, isUnavailable } from "../../../packages/sdk-core/src/surface/guard-error.ts";
import type { Api } from "./api/read-api.ts";
import { httpStatusOf } from "./connect-status.ts";
import type { ErrorCode, ErrorFacts, WireFailure } from "./errors.ts";
import { readConstant, readLiterals } from "./source/declarations.ts";
import type { WireContract } from "./wire/contract.ts";

/** Asks the server's and the SDK's own mappings what each failure becomes. */
export function readErrorFacts(api: Api, wire: WireContract): ErrorFacts {
  return {
    codes: errorCodes(api),
    reasons: wireReasons(api, wire),
    outcomes: wireOutcomes(wire),
    retrySafety: readLiterals(api.nodeOf(sdkCore, "RetrySafety")),
    sources: readLiterals(api.nodeOf(sdkCore, "Source")),
    denialReasons: readLiterals(api.nodeOf(sdkCore, "DenialReason")),
  };
}

const sdkCore = "packages/sdk-core/src/index.ts";

function errorCodes(api: Api): readonly ErrorCode[] {
  const table = readConstant(api.nodeOf(sdkCore, "guardErrorCodes"));
  return (Object.keys(guardErrorCodes) as (keyof typeof guardErrorCodes)[]).map((code) => ({
    code,
    meaning: table.fields.find((field) => field.name === code)?.comment ?? "",
    retry: guardErrorCodes[code],
    unavailable: isUnavailable(code),
  }));
}

function wireReasons(api: Api, wire: WireContract): readonly WireFailure[] {
  const failures = serverFailures();
  const codes = errorCodes(api);
  const meaningOf = (code: string) => codes.find((one) => one.code === code)?.meaning ?? "";
  return ErrorReasonSchema.values
    .filter(({ number }) => number !== ErrorReason.UNSPECIFIED)
    .map(({ number, name }) => {
      const ours = failures.filter(({ detail }) => detail.reason === number);
      const { code } = failureOfDetail(
        create(ErrorDetailSchema, { reason: number as ErrorReason, applied: Applied.NO }),
      );
      return {
        reason: name,
        // A reason that the contract does not explain is what the SDK says of the code that it becomes.
        meaning: wire.enumValueComment(ErrorReasonSchema.typeName, name) || meaningOf(code),
        applied: unique(ours.map(({ detail }) => appliedName(detail.applied))),
        statuses: unique(ours.map((failure) => failure.code)).map((status) => ({
          grpc: statusName(status),
          http: httpStatusOf(status),
        })),
        code,
      };
    });
}

/** The reasons that a node can have: one that is missing here, or left over, does not compile. */
const nodeReasons: Readonly<Record<NodeFailure["reason"], true>> = {
  "not-leader": true,
  overloaded: true,
  "session-expired": true,
  unavailable: true,
  "invalid-argument": true,
  "wrong-cluster": true,
};

/** Every failure that a node can have, in the terms of the wire, with and without the protection of a request id. */
function serverFailures(): readonly CallError[] {
  const asked = { namespace: "", policy: "" };
  const topology = { clusterId: "", version: 0, members: [], leaderId: 0, term: 0, nodeId: 0 };
  const refusals = (Object.keys(nodeReasons) as NodeFailure["reason"][]).map(
    (reason): NodeFailure => ({ reason, applied: "no", message: "", retryAfterMs: 0, leaderId: 0, term: 0 }),
  );
  return [
    ...[...refusals, outcomeUnknown("", 0, 0)].map((failure) => failureError(failure, topology, false)),
    ...Object.values(Outcome).flatMap((outcome) => outcomeError(outcome, asked) ?? []),
    ...(Object.keys(policyRefusals) as PolicyErrorCode[]).map((code) => policyCallError(new PolicyError(code, "", ""))),
    ...tokenReasons.map((reason) => unauthenticated(reason, "")),
    ...scopeReasons.map((reason) => forbidden(reason, "")),
    overused(""),
  ];
}

function wireOutcomes(wire: WireContract): ErrorFacts["outcomes"] {
  return OutcomeSchema.values.flatMap(({ number, name }) => {
    const failure = number === Outcome.UNSPECIFIED ? null : failureOfOutcome(number);
    if (failure === null) return [];
    return [{ reason: name, meaning: wire.enumValueComment(OutcomeSchema.typeName, name), code: failure.code }];
  });
}

/** `resourceExhausted` as gRPC writes it: RESOURCE_EXHAUSTED. */
function statusName(status: number): string {
  const [name] = Object.entries(StatusCode).find(([, number]) => number === status) ?? [String(status)];
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function appliedName(applied: Applied): string {
  return AppliedSchema.values.find(({ number }) => number === applied)?.name ?? String(applied);
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
