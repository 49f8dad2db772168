import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

const lowestPort = 10_000;
const portsPerProcess = 1_000;
const processes = 20;

const listening = (server: Server): Promise<boolean> =>
  once(server, "listening").then(
    () => true,
    () => false,
  );

let ownFirst: Promise<number> | undefined;

/**
 * The first port of the thousand that is this process's: whoever listens there has it, until it ends. A port is unused until it is
 * bound, so two processes that took theirs from one thousand would now and then take the same.
 */
async function claimThousand(): Promise<number> {
  const at = (offset: number) => lowestPort + ((process.pid + offset) % processes) * portsPerProcess;
  for (let offset = 0; offset < processes; offset++) {
    const holder = createServer().listen(at(offset), "127.0.0.1");
    if (!(await listening(holder))) continue;
    holder.unref();
    return at(offset);
  }
  return at(0);
}

/**
 * TCP ports on 127.0.0.1 that were free a moment ago, all different, for processes that must come back on the same
 * ones. They lie below the range from which systems take ports for outgoing connections, so that none is lost to a
 * client between the death of a process and its return.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  ownFirst ??= claimThousand();
  const firstPort = await ownFirst;
  const held: Server[] = [];
  // All are held at once, so that none is handed out twice.
  while (held.length < count) {
    const server = createServer().listen(firstPort + Math.floor(Math.random() * portsPerProcess), "127.0.0.1");
    if (await listening(server)) held.push(server);
  }
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
