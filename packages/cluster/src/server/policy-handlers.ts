import { create, type JsonObject } from "@bufbuild/protobuf";
import { type NamespaceDocument, readAdminRequest, readDocument } from "@quorumguard/limiter";
import {
  type DeletePoliciesRequest,
  type DeletePoliciesResponse,
  DeletePoliciesResponseSchema,
  type DiffPoliciesRequest,
  type DiffPoliciesResponse,
  DiffPoliciesResponseSchema,
  type EditPoliciesRequest,
  type EditPoliciesResponse,
  EditPoliciesResponseSchema,
  type GetPoliciesRequest,
  type GetPoliciesResponse,
  GetPoliciesResponseSchema,
  type ListPolicyHistoryRequest,
  type ListPolicyHistoryResponse,
  ListPolicyHistoryResponseSchema,
  type PolicyRevision,
  PolicyRevisionSchema,
  type PutPoliciesRequest,
  type PutPoliciesResponse,
  PutPoliciesResponseSchema,
  type RollbackPoliciesRequest,
  type RollbackPoliciesResponse,
  RollbackPoliciesResponseSchema,
} from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import { askLeader, type Revision } from "./admin-questions.ts";
import { invalidFieldError } from "./call-error.ts";
import { checkNamespace } from "./check-text.ts";
import { wholeBound } from "./field-bounds.ts";
import { InvalidField, shown } from "./invalid-field.ts";
import { makeChange, submitOptions, told } from "./make-change.ts";
import type { CallContext } from "./unary-handlers.ts";

/** The calls of PolicyService, for any transport. Every rejection is a CallError. */
export interface PolicyHandlers {
  getPolicies(request: GetPoliciesRequest, context: CallContext): Promise<GetPoliciesResponse>;
  putPolicies(request: PutPoliciesRequest, context: CallContext): Promise<PutPoliciesResponse>;
  deletePolicies(request: DeletePoliciesRequest, context: CallContext): Promise<DeletePoliciesResponse>;
  editPolicies(request: EditPoliciesRequest, context: CallContext): Promise<EditPoliciesResponse>;
  diffPolicies(request: DiffPoliciesRequest, context: CallContext): Promise<DiffPoliciesResponse>;
  listPolicyHistory(request: ListPolicyHistoryRequest, context: CallContext): Promise<ListPolicyHistoryResponse>;
  rollbackPolicies(request: RollbackPoliciesRequest, context: CallContext): Promise<RollbackPoliciesResponse>;
}

/** Answers PolicyService's calls from a node: changes through the log, questions by the leader. */
export function createPolicyHandlers(node: ClusterNode): PolicyHandlers {
  return {
    getPolicies: ({ namespace }, context) =>
      told(node, true, async () => {
        checkNamespace(namespace);
        const { version, document } = await askLeader(node, { kind: "document", namespace }, submitOptions(context));
        return create(GetPoliciesResponseSchema, {
          version: BigInt(version),
          document: document as unknown as JsonObject,
        });
      }),
    async putPolicies({ namespace, document, options }, context) {
      // Read here, too, so that a mistake is told by the caller's names and not by those of the log.
      const read = await told(node, true, async () => documentOf(document));
      const change = { kind: "putDocument", document: read };
      return create(PutPoliciesResponseSchema, { result: await makeChange(node, namespace, change, options, context) });
    },
    async deletePolicies({ namespace, names, options }, context) {
      const change = { kind: "deletePolicies", names };
      return create(DeletePoliciesResponseSchema, {
        result: await makeChange(node, namespace, change, options, context),
      });
    },
    async editPolicies({ namespace, change, options }, context) {
      checkEdit(change);
      return create(EditPoliciesResponseSchema, {
        result: await makeChange(node, namespace, change, options, context),
      });
    },
    diffPolicies: ({ namespace, document }, context) =>
      told(node, true, async () => {
        checkNamespace(namespace);
        const read = documentOf(document);
        // What could not be put is not shown as a change that could.
        readAdminRequest({ namespace, change: { kind: "putDocument", document: read } });
        const question = { kind: "preview", namespace, document: read } as const;
        const { version, words } = await askLeader(node, question, submitOptions(context));
        return create(DiffPoliciesResponseSchema, { version: BigInt(version), edits: [...words] });
      }),
    listPolicyHistory: ({ namespace, beforeSequence, limit }, context) =>
      told(node, true, async () => {
        checkNamespace(namespace);
        if (limit > maxRevisions) throw new InvalidField("limit", limit, wholeBound(0, maxRevisions));
        const before = safe("before_sequence", beforeSequence);
        const question = { kind: "history", namespace, before, limit: limit || usualRevisions } as const;
        const { version, revisions } = await askLeader(node, question, submitOptions(context));
        return create(ListPolicyHistoryResponseSchema, {
          version: BigInt(version),
          revisions: revisions.map(revisionMessage),
        });
      }),
    async rollbackPolicies({ namespace, version, options }, context) {
      const change = await told(node, true, async () => ({ kind: "rollback", version: safe("version", version) }));
      return create(RollbackPoliciesResponseSchema, {
        result: await makeChange(node, namespace, change, options, context),
      });
    },
  };
}

const usualRevisions = 20;
const maxRevisions = 100;

function documentOf(document: JsonObject | undefined): Partial<NamespaceDocument> {
  const sections = "policies, overrides, tiers, tierKeys, lists and maxKeys";
  if (document === undefined) throw new InvalidField("document", shown("missing"), `give any of ${sections}`);
  const read = readDocument(document, "document");
  if (Object.keys(read).length === 0) throw new InvalidField("document", shown("empty"), `give any of ${sections}`);
  return read;
}

/** What has a method of its own goes through that. */
const ownMethods: Readonly<Record<string, string>> = {
  putDocument: "PutPolicies",
  rollback: "RollbackPolicies",
  liftBan: "AdminService.LiftBan",
};

function checkEdit(change: JsonObject | undefined): void {
  const kind = change?.kind;
  const method = typeof kind === "string" && Object.hasOwn(ownMethods, kind) ? ownMethods[kind] : undefined;
  if (method !== undefined) throw invalidFieldError(new InvalidField("change.kind", kind, `call ${method} for that`));
}

function safe(field: string, value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new InvalidField(field, value, "it must be 0 to 2^53-1");
}

function revisionMessage(revision: Revision): PolicyRevision {
  const { sequence, version, index, stampUs, author, changeId, kind, about, words } = revision;
  return create(PolicyRevisionSchema, {
    sequence: BigInt(sequence),
    version: BigInt(version),
    index: BigInt(index),
    stampUs: BigInt(stampUs),
    author,
    changeId: changeId ?? "",
    kind,
    about,
    edits: [...words],
  });
}
