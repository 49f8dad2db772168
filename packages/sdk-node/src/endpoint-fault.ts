import { TransportError } from "@quorumguard/sdk-core";
import { DEFAULT_GRPC_PORT, hostPortOf, isSecure, portHint } from "./endpoint.ts";
import { type Address, probeEndpoint, type Spoken, wantsCertificate } from "./probe-endpoint.ts";
import type { TlsOptions } from "./tls-options.ts";

/** A node answers its own topology at once; a stranger's web server may not. */
const ASK_TIMEOUT_MS = 500;

/**
 * What is wrong with an endpoint that was reached and never spoke HTTP/2 with us, or null if nothing is proven: then it
 * may as well be an outage. Looks for itself, with connections of its own, since an error alone seldom tells.
 */
export async function endpointFault(
  endpoint: string,
  address: Address,
  tlsOptions: TlsOptions,
  cause: Error,
): Promise<TransportError | null> {
  const spoken = await probeEndpoint(address);
  const what = isSecure(endpoint)
    ? await secureFault(endpoint, address, tlsOptions, spoken)
    : await plainFault(endpoint, address, spoken);
  return what === null ? null : new TransportError("misconfigured", `${endpoint}: ${what}`, { cause });
}

async function plainFault(endpoint: string, address: Address, spoken: Spoken): Promise<string | null> {
  const secure = `https://${hostPortOf(endpoint)}`;
  switch (spoken) {
    case "tls":
      return `TLS is spoken there, and the endpoint has no https://; write ${secure}${portNote(endpoint)}`;
    case "tls-http1":
      return `TLS with HTTP/1.1 is spoken there, not gRPC${portHint(endpoint)}, with https:// in front`;
    case "http1":
      return `HTTP/1.1 is spoken there, not gRPC${await grpcAddress(address, endpoint)}`;
    case "other":
      return `what answers there speaks neither HTTP/2 nor TLS${portHint(endpoint)}`;
    default:
      return null;
  }
}

async function secureFault(
  endpoint: string,
  address: Address,
  tlsOptions: TlsOptions,
  spoken: Spoken,
): Promise<string | null> {
  switch (spoken) {
    case "http2":
      return `plain HTTP/2 is spoken there, without TLS; write ${hostPortOf(endpoint)}, or start the node with --tls-cert and --tls-key`;
    case "http1":
      return `plain HTTP/1.1 is spoken there, neither TLS nor gRPC${await grpcAddress(address, endpoint)}`;
    case "tls-http1":
      return `TLS with HTTP/1.1 is spoken there, not gRPC${portHint(endpoint)}`;
    case "other":
      return `what answers there speaks no TLS${portHint(endpoint)}`;
    case "tls":
      // It hung up on our certificate, and would not have taken us without one.
      if (tlsOptions.cert === undefined || !(await wantsCertificate(address, tlsOptions))) return null;
      return "the node refused the client certificate; give tls.cert and tls.key from the authority of its --tls-client-ca";
    default:
      return null;
  }
}

function portNote(endpoint: string): string {
  const hint = portHint(endpoint);
  return hint.includes("usually") ? hint : "";
}

/** If it is a node's HTTP port, the node itself says where its gRPC port is. */
async function grpcAddress({ host, port }: Address, endpoint: string): Promise<string> {
  try {
    const name = host.includes(":") ? `[${host}]` : host;
    const response = await fetch(`http://${name}:${port}/quorumguard.v1.ClusterService/GetTopology`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      redirect: "manual",
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    const body = await response.text();
    if (body.includes("peer port of a QuorumGuard node")) {
      return `; it is a node's peer port: give its gRPC port (${DEFAULT_GRPC_PORT} by default)`;
    }
    const { topology } = JSON.parse(body) as {
      topology?: { nodeId?: string; members?: readonly { nodeId?: string; grpcEndpoint?: string }[] };
    };
    const own = topology?.members?.find((member) => member.nodeId === topology.nodeId)?.grpcEndpoint;
    if (own) return `; it is the HTTP port of node ${topology?.nodeId}, whose gRPC address is ${own}`;
  } catch {
    // Not a node, or not one that can answer now.
  }
  return portHint(endpoint);
}

/** What to do if a name leads nowhere: whether a cluster runs is not the question then. */
export const NAME_REMEDY =
  "is it spelt right, and known on this machine's network? Else mend endpoints or QUORUMGUARD_ENDPOINTS";

/** What a name server's word means; null: it is not one. */
export function nameFault(code: string, hostPort: string): string | null {
  const host = hostPort.replace(/:\d+$/, "");
  if (code === "ENOTFOUND") return `the name ${host} has no address (ENOTFOUND)`;
  return code === "EAI_AGAIN" ? `no name server answers for the name ${host} (EAI_AGAIN)` : null;
}

/** What a failed TLS handshake proves by itself; null if it may be an outage, or if looking closer tells more. */
export function tlsFault(endpoint: string, code: string, message: string): TransportError | null {
  const remedy = remedyOf(code, endpoint);
  if (remedy === null) return null;
  return new TransportError("misconfigured", `${endpoint}: ${plainWords(code, message)}; ${remedy}`);
}

/** OpenSSL's messages begin with its internals; the code says the same. */
function plainWords(code: string, message: string): string {
  return /^[0-9A-F]+:error:/.test(message)
    ? code
        .replace(/^ERR_SSL_/, "")
        .toLowerCase()
        .replaceAll("_", " ")
    : message;
}

function remedyOf(code: string, endpoint: string): string | null {
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    return "renew the node's certificate, or set this machine's clock";
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return "give the node a certificate for this host, or write a host that its certificate names";
  }
  if (
    /^(DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_|UNABLE_TO_|CERT_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/.test(code)
  ) {
    return "give the authority of the nodes' certificates as tls.ca";
  }
  if (/ALERT_CERTIFICATE_REQUIRED$/.test(code))
    return "the node asks for a client certificate: give tls.cert and tls.key";
  if (/ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_|UNSUPPORTED_CERTIFICATE)/.test(code)) {
    return "the node refused the client certificate: give tls.cert and tls.key from the authority of its --tls-client-ca";
  }
  if (
    /(UNSUPPORTED_PROTOCOL|ALERT_PROTOCOL_VERSION|VERSION_TOO_LOW|NO_SHARED_CIPHER|ALERT_HANDSHAKE_FAILURE)/.test(code)
  ) {
    return "the two sides share no version or cipher of TLS, or the node asks for a client certificate (tls.cert, tls.key)";
  }
  if (/NO_APPLICATION_PROTOCOL$/.test(code)) {
    return `TLS is spoken there, but no HTTP/2, which gRPC needs${portHint(endpoint)}`;
  }
  return null;
}
