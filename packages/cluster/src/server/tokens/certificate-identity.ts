/** A certificate's name as an identity beside those of tokens: no two names become the same, and none one of a token's. */
export function certificateIdentity(name: string): string {
  return /^(token|certificate:)/.test(name) ? `certificate:${name}` : name;
}
