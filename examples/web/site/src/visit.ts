import { type BrowserGuard, createGuard } from "@quorumguard/sdk-web";

/** The policies that a visitor's token is good for. */
export type PolicyName = "button" | "traffic";

/** Who is here, and what it asks with. */
export interface Visit {
  /** The only key that its tokens are good for. */
  readonly key: string;
  readonly guard: BrowserGuard<PolicyName>;
}

/** Logs in, which leaves a cookie that no script can read, and makes the guard of this page: one for its whole life. */
export async function openVisit(): Promise<Visit> {
  const { key } = await post<{ key: string }>("/api/login");
  const guard = createGuard<PolicyName>({
    endpoints: location.origin,
    // The guard asks ahead of the old token's end, and keeps the new one.
    token: async () => (await post<{ token: string }>("/api/token")).token,
  });
  return { key, guard };
}

/** @throws {Error} With the server's own words. */
export async function post<T>(path: string): Promise<T> {
  const response = await fetch(path, { method: "POST" });
  if (response.ok) return (await response.json()) as T;
  const { error } = (await response.json().catch(() => ({}))) as { error?: string };
  throw new Error(error ?? `The server answered ${response.status}.`);
}
