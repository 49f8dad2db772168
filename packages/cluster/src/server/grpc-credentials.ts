import { ServerCredentials } from "@grpc/grpc-js";
import type { TlsMaterial } from "./tls-material.ts";

/** What a gRPC listener shows its callers, and asks of them. `optionalCertificates`: callers without one may have a token. */
export function grpcCredentials(tls: TlsMaterial | null, optionalCertificates: boolean): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure();
  const { cert, key, clientCa } = tls;
  if (clientCa !== null && optionalCertificates) return new OptionalCertificates({ ca: clientCa, cert, key });
  return ServerCredentials.createSsl(clientCa, [{ cert_chain: cert, private_key: key }], clientCa !== null);
}

/**
 * The library asks for a certificate and refuses the connection without one, or does not ask. Here it is asked for, and one that is
 * missing or of another authority counts as none: the library tells only of those that TLS has verified.
 */
class OptionalCertificates extends ServerCredentials {
  constructor(context: NonNullable<ConstructorParameters<typeof ServerCredentials>[1]>) {
    super({ requestCert: true, rejectUnauthorized: false }, context);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
