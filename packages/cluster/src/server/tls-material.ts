import type { Buffer } from "node:buffer";

/** Certificate, key and callers' authority of one listener, as PEM. */
export interface TlsMaterial {
  /** The listener's certificate, with those in between up to its authority. */
  readonly cert: Buffer;
  /** The private key of `cert`, without a passphrase. */
  readonly key: Buffer;
  /** Callers must show a certificate signed by one of these. Null: callers stay anonymous. */
  readonly clientCa: Buffer | null;
}

/** The name in a caller's verified certificate; request ids are scoped by it (SEMANTICS S7). Empty: there is none. */
export function certificateName(
  certificate: { readonly subject?: { readonly CN?: string | string[] } } | undefined,
): string {
  const name = certificate?.subject?.CN;
  return (Array.isArray(name) ? name[0] : name) ?? "";
}
