import { authorizeAdmin } from "./grant.ts";
import { telling } from "./refusals.ts";
import type { AdmittedContext, Scoped } from "./scoped.ts";

interface AdminRequest {
  /** Undefined: every one. */
  readonly namespace?: string | undefined;
}

/** Holds each call of PolicyService or AdminService to the namespace of the caller's token. `refused` hears of every refusal. */
export function createScopedAdmin<H extends object>(handlers: H, refused: (error: unknown) => void): Scoped<H> {
  const scoped =
    (answer: (request: AdminRequest, context: AdmittedContext) => Promise<unknown>) =>
    async (request: AdminRequest, context: AdmittedContext): Promise<unknown> => {
      const { namespace } = request;
      const path = namespace === undefined ? "every namespace" : "namespace";
      const { token } = context;
      if (token !== null) telling(refused, () => authorizeAdmin(token.grant, namespace, path));
      return answer(request, context);
    };
  return Object.fromEntries(Object.entries(handlers).map(([name, answer]) => [name, scoped(answer)])) as Scoped<H>;
}
