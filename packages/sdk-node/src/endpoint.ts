/** The gRPC and HTTP ports of a node, if nobody chose others. */
export const DEFAULT_GRPC_PORT = 7400;
const DEFAULT_PEER_PORT = 7401;
const DEFAULT_HTTP_PORT = 7402;

/** An endpoint as the URL that `node:http2` connects to. */
export function authorityOf(endpoint: string): string {
  return `${isSecure(endpoint) ? "https" : "http"}://${hostPortOf(endpoint)}`;
}

/** An endpoint without its scheme, with its port. */
export function hostPortOf(endpoint: string): string {
  const rest = endpoint.replace(/^[a-z]+:\/\//i, "");
  return /:\d+$/.test(rest) ? rest : `${rest}:${DEFAULT_GRPC_PORT}`;
}

/** Whether the endpoint asks for TLS: `https://`. */
export function isSecure(endpoint: string): boolean {
  return /^https:\/\//i.test(endpoint);
}

/** Names the likely right port when somebody gave a node's other one. */
export function portHint(endpoint: string): string {
  const port = Number(/:(\d+)$/.exec(endpoint)?.[1] ?? Number.NaN);
  if (port === DEFAULT_HTTP_PORT || port === DEFAULT_PEER_PORT) {
    const role = port === DEFAULT_HTTP_PORT ? "HTTP" : "peer";
    return `; ${port} is usually a node's ${role} port, and ${DEFAULT_GRPC_PORT} its gRPC port`;
  }
  return `; give a node's gRPC port (${DEFAULT_GRPC_PORT} by default)`;
}
