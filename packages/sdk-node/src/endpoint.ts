/** The gRPC and HTTP ports of a node, if nobody chose others. */
export const DEFAULT_GRPC_PORT = 7400;
const DEFAULT_PEER_PORT = 7401;
const DEFAULT_HTTP_PORT = 7402;

/** An endpoint as the URL that `node:http2` connects to. */
export function authorityOf(endpoint: string): string {
  const secure = isSecure(endpoint);
  const rest = endpoint.replace(/^[a-z]+:\/\//i, "");
  const hasPort = /:\d+$/.test(rest);
  return `${secure ? "https" : "http"}://${rest}${hasPort ? "" : `:${DEFAULT_GRPC_PORT}`}`;
}

/** Whether the endpoint asks for TLS: `https://` or `grpcs://`. */
export function isSecure(endpoint: string): boolean {
  return /^(https|grpcs):\/\//i.test(endpoint);
}

/** Names the likely right port when somebody gave a node's other one. */
export function portHint(endpoint: string): string {
  const port = Number(/:(\d+)$/.exec(endpoint)?.[1] ?? Number.NaN);
  if (port === DEFAULT_HTTP_PORT || port === DEFAULT_PEER_PORT) {
    const role = port === DEFAULT_HTTP_PORT ? "HTTP" : "peer";
    return `; ${port} is usually a node's ${role} port, and ${DEFAULT_GRPC_PORT} its gRPC port`;
  }
  return `; is it a node's HTTP port? The SDK speaks gRPC: give the gRPC port (${DEFAULT_GRPC_PORT} by default)`;
}
