import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

const portsPerProcess = 1_000;
/** Processes that run at the same time take their ports from different thousands: a port is unused until it is bound. */
const firstPort = 10_000 + (process.pid % 20) * portsPerProcess;

/**
 * TCP ports on 127.0.0.1 that were free a moment ago, all different, for processes that must come back on the same
 * ones. They lie below the range from which systems take ports for outgoing connections, so that none is lost to a
 * client between the death of a process and its return.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  // All are held at once, so that none is handed out twice.
  while (held.length < count) {
    const server = createServer().listen(firstPort + Math.floor(Math.random() * portsPerProcess), "127.0.0.1");
    const listens = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (listens) held.push(server);
  }
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
