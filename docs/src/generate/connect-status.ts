import { codeToHttpStatus } from "@connectrpc/connect/protocol-connect";

/** The HTTP status under which Connect and JSON show a gRPC status, as the server's own library maps it. */
export function httpStatusOf(grpcStatus: number): number {
  return codeToHttpStatus(grpcStatus);
}
