/**
 * So many terms at a time are reserved in META, so that elections do not wait for it: it is written again only when they are used up.
 */
export const reservedTerms = 64;

/** More terms than a cluster can enter in a day without a leader: added where META, which would know, was lost too. */
const unknownTerms = 2 ** 20;

/**
 * The latest term that this node can have spoken in, whatever was lost of its log (SEMANTICS N2).
 *
 * @param reserved What META says, 0 if it says nothing.
 * @param term The term of the newest intact frame.
 */
export function latestTerm(reserved: number, term: number): number {
  return reserved === 0 ? term + unknownTerms : Math.max(reserved, term);
}
