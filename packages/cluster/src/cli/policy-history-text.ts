import type { PolicyRevision } from "@quorumguard/proto";

/** A namespace as sentences call it. */
export const namespaceName = (namespace: string): string =>
  namespace === "" ? "the default namespace" : `the namespace ${JSON.stringify(namespace)}`;

/** A stamp as people and programs read it. */
export const timeOf = (stampUs: bigint): string => new Date(Number(stampUs / 1_000n)).toISOString();

/** The latest changes, at most `limit`, the newest first; and that there were older ones, if they are no longer kept. */
export function policyHistoryText(
  namespace: string,
  version: bigint,
  revisions: readonly PolicyRevision[],
  limit: number,
): string {
  if (version === 0n) return `nothing was ever set for ${namespaceName(namespace)}`;
  const told = revisions.map(revisionText);
  const oldest = revisions.at(-1)?.version;
  if (oldest === undefined) {
    told.push(`${namespaceName(namespace)} is at version ${version}; what was before is no longer kept`);
  } else if (revisions.length < limit && oldest > 1n) {
    told.push(`older changes are no longer kept: a rollback reaches back to version ${oldest - 1n}`);
  }
  return told.join("\n");
}

function revisionText({ version, stampUs, author, kind, about, edits }: PolicyRevision): string {
  const what = about === "" ? kind : `${kind} ${about}`;
  const who = author === "" ? "" : ` by ${author}`;
  return [`version ${version}  ${timeOf(stampUs)}  ${what}${who}`, ...edits.map((edit) => `  ${edit}`)].join("\n");
}
