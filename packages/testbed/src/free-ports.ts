import { once } from "node:events";
import { createServer, type Server } from "node:net";

const lowestPort = 10_000;
const portsPerProcess = 500;
const processes = 44;

/** Browsers and `fetch` refuse to call it, whoever listens: https://fetch.spec.whatwg.org/#port-blocking. */
const refusedByFetch = 10_080;

const listening = (server: Server): Promise<boolean> =>
  once(server, "listening").then(
    () => true,
    () => false,
  );

let ownFirst: Promise<number> | undefined;

/** Counts ports as they are looked at, from anywhere: an earlier process with the same ones may have clients that still call. */
let looked = Math.floor(Math.random() * portsPerProcess);

/**
 * The first port of the five hundred that are this process's: whoever listens there has them, until it ends. A port is unused until
 * it is bound, so two processes that took theirs from the same ones would now and then take the same.
 */
async function claimPorts(): Promise<number> {
  const at = (offset: number) => lowestPort + ((process.pid + offset) % processes) * portsPerProcess;
  for (let offset = 0; offset < processes; offset++) {
    const holder = createServer().listen(at(offset), "127.0.0.1");
    if (!(await listening(holder))) continue;
    holder.unref();
    return at(offset);
  }
  throw new Error(`${processes} processes hold ports from ${lowestPort} on: no more can run beside them`);
}

/**
 * TCP ports on 127.0.0.1 that were free a moment ago, for processes that must come back on the same ones. They differ from all that
 * this process was given before, used or not, until it was given hundreds: a port that is yet to be bound, or to which nobody must
 * answer, is taken by nobody. They lie below the range from which systems take ports for outgoing connections, so that none is lost
 * to a client between the death of a process and its return.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  ownFirst ??= claimPorts();
  const firstPort = await ownFirst;
  const held: { readonly port: number; readonly server: Server }[] = [];
  try {
    // All are held at once, so that none is handed out twice even when all were looked at.
    for (let tries = 0; held.length < count; tries++) {
      if (tries >= portsPerProcess) throw new Error(`of ${portsPerProcess} ports, only ${held.length} are free`);
      looked += 1;
      const port = firstPort + (looked % portsPerProcess);
      if (port === refusedByFetch) continue;
      const server = createServer().listen(port, "127.0.0.1");
      if (await listening(server)) held.push({ port, server });
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  }
}

/** The first of so many consecutive ports, for who is told one and counts on from it. Else as {@link freePorts}. */
export async function freePortRun(length: number): Promise<number> {
  const ports = await freePorts(3 * length);
  const first = ports.find((port, at) => ports[at + length - 1] === port + length - 1);
  if (first === undefined) throw new Error(`no ${length} consecutive ports among ${ports}`);
  return first;
}
