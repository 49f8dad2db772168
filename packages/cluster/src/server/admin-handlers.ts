import { create, type JsonObject } from "@bufbuild/protobuf";
import type { Rule } from "@quorumguard/limiter";
import {
  type ExplainRequest,
  type ExplainResponse,
  ExplainResponseSchema,
  type LiftBanRequest,
  type LiftBanResponse,
  LiftBanResponseSchema,
  type ListBansRequest,
  type ListBansResponse,
  ListBansResponseSchema,
  type ListTopKeysRequest,
  type ListTopKeysResponse,
  ListTopKeysResponseSchema,
  type SetKeyQuotaRequest,
  type SetKeyQuotaResponse,
  SetKeyQuotaResponseSchema,
  TopKeysBy,
} from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import { askLeader } from "./admin-questions.ts";
import { checkRule } from "./check-rule.ts";
import { checkKey, checkNamespace, checkText } from "./check-text.ts";
import { edgeLimits } from "./edge-limits.ts";
import { wholeBound } from "./field-bounds.ts";
import { InvalidField, shown } from "./invalid-field.ts";
import { makeChange, submitOptions, told } from "./make-change.ts";
import type { CallContext } from "./unary-handlers.ts";

/** The calls of AdminService, for any transport. Every rejection is a CallError. */
export interface AdminHandlers {
  explain(request: ExplainRequest, context: CallContext): Promise<ExplainResponse>;
  listTopKeys(request: ListTopKeysRequest, context: CallContext): Promise<ListTopKeysResponse>;
  listBans(request: ListBansRequest, context: CallContext): Promise<ListBansResponse>;
  liftBan(request: LiftBanRequest, context: CallContext): Promise<LiftBanResponse>;
  setKeyQuota(request: SetKeyQuotaRequest, context: CallContext): Promise<SetKeyQuotaResponse>;
}

const maxRows = 1_000;

/** Answers AdminService's calls from a node: changes through the log, questions by the leader. */
export function createAdminHandlers(node: ClusterNode): AdminHandlers {
  return {
    explain: ({ namespace, rule, key }, context) =>
      told(node, true, async () => {
        checkNamespace(namespace);
        checkKey(key, "key");
        const question = { kind: "explain", namespace, rule: ruleOf(rule), key } as const;
        const explanation = await askLeader(node, question, submitOptions(context));
        return create(ExplainResponseSchema, { explanation: explanation as JsonObject });
      }),
    listTopKeys: ({ namespace, by, limit }, context) =>
      told(node, true, async () => {
        if (namespace !== undefined) checkNamespace(namespace);
        const question = {
          kind: "topKeys",
          namespace: namespace ?? null,
          by: by === TopKeysBy.LOAD ? "load" : "denials",
          limit: rows(limit, 20),
        } as const;
        const { keys, overMs, nodeId } = await askLeader(node, question, submitOptions(context));
        return create(ListTopKeysResponseSchema, {
          keys: keys.map((top) => ({
            ...top,
            count: BigInt(top.count),
            overcount: BigInt(top.overcount),
            undercount: BigInt(top.undercount),
          })),
          overMs: BigInt(Math.ceil(overMs)),
          nodeId: BigInt(nodeId),
        });
      }),
    listBans: ({ namespace, policy, limit }, context) =>
      told(node, true, async () => {
        checkNamespace(namespace);
        checkText(policy, "policy", 0, edgeLimits.maxPolicyBytes);
        const question = { kind: "bans", namespace, policy, limit: rows(limit, 100) } as const;
        const { bans, total } = await askLeader(node, question, submitOptions(context));
        return create(ListBansResponseSchema, {
          bans: bans.map((ban) => ({ ...ban, endsAfterMs: BigInt(ban.endsAfterMs) })),
          total,
        });
      }),
    async liftBan({ namespace, policy, key, options }, context) {
      await told(node, true, async () => {
        checkText(policy, "policy", 1, edgeLimits.maxPolicyBytes);
        checkKey(key, "key");
      });
      const change = { kind: "liftBan", policy, key };
      return create(LiftBanResponseSchema, { result: await makeChange(node, namespace, change, options, context) });
    },
    async setKeyQuota({ namespace, maxKeys, options }, context) {
      const change = { kind: "setKeyQuota", maxKeys: maxKeys ?? null };
      return create(SetKeyQuotaResponseSchema, { result: await makeChange(node, namespace, change, options, context) });
    },
  };
}

function rows(limit: number, usual: number): number {
  if (limit > maxRows) throw new InvalidField("limit", limit, wholeBound(0, maxRows));
  return limit === 0 ? usual : limit;
}

function ruleOf(rule: ExplainRequest["rule"]): Rule {
  if (rule === undefined) throw new InvalidField("rule", shown("missing"), "give a policy, or a limit and a window_us");
  return checkRule({ ...rule, windowUs: Number(rule.windowUs) }, "rule");
}
