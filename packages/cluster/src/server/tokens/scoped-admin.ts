import { authorizeAdmin } from "./grant.ts";
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
      try {
        const { namespace } = request;
        const path = namespace === undefined ? "every namespace" : "namespace";
        if (context.token !== null) authorizeAdmin(context.token.grant, namespace, path);
      } catch (error) {
        refused(error);
        throw error;
      }
      return answer(request, context);
    };
  return Object.fromEntries(Object.entries(handlers).map(([name, answer]) => [name, scoped(answer)])) as Scoped<H>;
}
