import type { Socket } from "node:net";
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import type { PeerAddress, ResolvedTcpOptions } from "./tcp-options.ts";

/** Time to connect, the TLS handshake included, in milliseconds. */
const connectTimeoutMs = 1_000;

/** Opens a connection to a peer. `opened` or `failed` is called once; closing before that calls neither. */
export function dial(
  options: ResolvedTcpOptions,
  peer: PeerAddress,
  opened: (socket: Socket) => void,
  failed: (error: NodeJS.ErrnoException) => void,
): () => void {
  const { tls, clock } = options;
  const { host, port } = peer;
  const socket: Socket =
    tls === undefined
      ? connectPlain({ host, port, noDelay: true })
      : // The authority signs nodes of this cluster only, so its signature is the proof; names and addresses may change.
        connectTls({ host, port, ...asBuffers(tls), minVersion: "TLSv1.3", checkServerIdentity: () => undefined });
  let over = false;
  const finish = (error: NodeJS.ErrnoException | null): void => {
    if (over) return;
    over = true;
    cancel();
    socket.removeListener("error", finish);
    if (error === null) {
      opened(socket);
    } else {
      socket.on("error", () => {});
      socket.destroy();
      failed(error);
    }
  };
  const cancel = clock.setTimer(
    () => finish(Object.assign(new Error(`no connection to ${host}:${port} in time`), { code: "ETIMEDOUT" })),
    connectTimeoutMs,
  );
  socket.once("error", finish);
  socket.once(tls === undefined ? "connect" : "secureConnect", () => {
    socket.setNoDelay(true);
    finish(null);
  });
  return () => {
    if (over) return;
    over = true;
    cancel();
    socket.on("error", () => {});
    socket.destroy();
  };
}

/** Certificates in the form that node:tls takes. */
export function asBuffers(tls: NonNullable<ResolvedTcpOptions["tls"]>): { ca: Buffer; cert: Buffer; key: Buffer } {
  return { ca: Buffer.from(tls.ca), cert: Buffer.from(tls.cert), key: Buffer.from(tls.key) };
}
