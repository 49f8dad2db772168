import { Buffer } from "node:buffer";
import type { SecureContextOptions } from "node:tls";
import type { TlsOptions } from "./tls-options.ts";

/** The options as `node:tls` takes them. */
export function secureOptions({ ca, cert, key }: TlsOptions): SecureContextOptions {
  return {
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
  };
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === "string" ? text : Buffer.from(text);
}
