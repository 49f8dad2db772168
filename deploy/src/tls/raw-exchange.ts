import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

/** One of an nginx's or a node's HTTP ports. */
export interface RawTarget {
  readonly port: number;
  /** PEM of the authority, if TLS is spoken there. */
  readonly ca?: Uint8Array;
}

/** Opens a connection and speaks HTTP/1.1 on it. */
async function connectTo({ port, ca }: RawTarget): Promise<net.Socket> {
  if (ca === undefined) {
    const socket = net.connect(port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  }
  const socket = tls.connect({
    port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: Buffer.from(ca),
    ALPNProtocols: ["http/1.1"],
  });
  await once(socket, "secureConnect");
  return socket;
}

/** Sends these bytes, and resolves with the status of every answer once the other side has closed the connection. */
export async function exchange(target: RawTarget, bytes: string): Promise<readonly number[]> {
  const socket = await connectTo(target);
  let told = "";
  socket.on("data", (part) => (told += part.toString("latin1")));
  // Closed with a reset, if bytes of ours were not read.
  socket.on("error", () => {});
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return [...told.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
