import { createServer } from "node:net";

/** Ports that a node of a development cluster takes, one behind the other. */
export const portsPerNode = 3;
/** From a node's first port to the next node's. */
export const portStep = 10;

/**
 * Makes sure that all ports are free before anything starts: a cluster that lacks one node is no first impression.
 * @throws {Error} naming the port that is taken and a first port to choose in its place.
 */
export async function checkDevPorts(firstPort: number, nodes: number): Promise<void> {
  const taken = await takenPort(firstPort, nodes);
  if (taken === null) return;
  const other = await otherFirstPort(firstPort, nodes);
  const remedy =
    other === null ? "choose another first port with --port" : `choose another first port: --port ${other}`;
  throw new Error(`--port ${firstPort}: 127.0.0.1:${taken} is taken, perhaps by another quorumguard; ${remedy}`);
}

async function otherFirstPort(firstPort: number, nodes: number): Promise<number | null> {
  for (let port = firstPort + 100; port < Math.min(firstPort + 2_100, 65_000); port += 100) {
    if ((await takenPort(port, nodes)) === null) return port;
  }
  return null;
}

async function takenPort(firstPort: number, nodes: number): Promise<number | null> {
  for (let node = 0; node < nodes; node++) {
    for (let at = 0; at < portsPerNode; at++) {
      const port = firstPort + portStep * node + at;
      if (!(await isFree(port))) return port;
    }
  }
  return null;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port }, () => server.close(() => resolve(true)));
  });
}
