import { Buffer } from "node:buffer";
import { createSecureContext } from "node:tls";
import { checkNames, GuardError, knownNames } from "@quorumguard/sdk-core";
import { secureOptions } from "./secure-options.ts";

/** Certificates for TLS, as the text (or bytes) of PEM files. */
export interface TlsOptions {
  /**
   * The authority, or authorities, that signed the nodes' certificates, in place of those that Node trusts. Default:
   * Node's own, with $NODE_EXTRA_CA_CERTS.
   */
  readonly ca?: string | Uint8Array | undefined;
  /** This client's own certificate, for nodes started with `--tls-client-ca`. Needs `key`. Default: none is shown. */
  readonly cert?: string | Uint8Array | undefined;
  /** The private key of `cert`, without a passphrase. */
  readonly key?: string | Uint8Array | undefined;
}

const tlsNames = knownNames("a field of tls", ["ca", "cert", "key"]);

/** @throws {GuardError} invalid_argument when a field is unknown, is no PEM, or does not fit the others. */
export function checkTlsOptions(options: unknown): TlsOptions {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) throw invalid("tls", "it must be an object {ca, cert, key}");
  checkNames(options, tlsNames, "tls");
  const { ca, cert, key } = options as TlsOptions;
  checkPem(ca, "tls.ca", "CERTIFICATE");
  checkPem(cert, "tls.cert", "CERTIFICATE");
  checkPem(key, "tls.key", "PRIVATE KEY");
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid(
      cert === undefined ? "tls.cert" : "tls.key",
      "tls.cert and tls.key belong together; give both or neither",
    );
  }
  try {
    createSecureContext(secureOptions({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }));
  } catch (cause) {
    throw invalid(
      "tls",
      `${cause instanceof Error ? cause.message : cause}; give PEM, and the key of the certificate`,
      cause,
    );
  }
  return options;
}

function checkPem(value: unknown, field: string, label: string): void {
  if (value === undefined) return;
  const text =
    typeof value === "string" ? value : value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : null;
  if (text === null) throw invalid(field, "it must be the text of a PEM file, as a string or bytes");
  if (text.includes("-----BEGIN ") && text.includes(`${label}-----`)) return;
  throw invalid(field, `it holds no "-----BEGIN ${label}-----"; give the text of a PEM file, not its path`);
}

function invalid(field: string, problem: string, cause?: unknown): GuardError {
  return new GuardError("invalid_argument", `${field}: ${problem}`, { cause, details: { field } });
}
