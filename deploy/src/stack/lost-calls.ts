import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { until } from "@quorumguard/testbed";
import { callGrpc } from "./raw-grpc.ts";
import type { LostCalls } from "./report.ts";

/** In the body of our call: an SDK's last attempt may still be on its way, and is not to be counted. */
const marker = "lost-call";

/** Stands where a node's listeners were: takes what it is sent, and is gone without an answer, as a killed node is. */
class VanishingNodes {
  #servers: readonly Server[] = [];
  #received = 0;
  readonly #sockets = new Set<Socket>();

  async listen(hosts: readonly string[], port: number): Promise<void> {
    this.#servers = hosts.map((host) => createServer((socket) => this.#take(socket)).listen(port, host));
    await Promise.all(this.#servers.map((server) => once(server, "listening")));
  }

  /** Calls received since this was last asked. */
  takeReceived(): number {
    const received = this.#received;
    this.#received = 0;
    return received;
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    let taken = "";
    socket.on("data", (bytes) => {
      taken += bytes.toString("latin1");
      if (!taken.includes(marker)) return;
      this.#received += 1;
      socket.destroy();
    });
  }
}

const path = "/quorumguard.v1.GuardService/Allow";

/** What nginx does with a call that a node has received and not answered. To be called when no node runs. */
export async function loseCalls(
  hosts: readonly string[],
  { grpcEndpoint, httpUrl }: { readonly grpcEndpoint: string; readonly httpUrl: string },
): Promise<LostCalls> {
  const http = new VanishingNodes();
  const grpc = new VanishingNodes();
  await http.listen(hosts, 7402);
  await grpc.listen(hosts, 7400);
  try {
    return {
      // nginx leaves out for a second who refused; until then no call reaches anybody.
      http: await until("an HTTP call reaches a node", 5_000, async () => {
        const response = await fetch(`${httpUrl}${path}`, {
          method: "POST",
          body: JSON.stringify({ check: { key: marker } }),
        });
        const body = await response.text();
        const received = http.takeReceived();
        return received > 0 ? { received, status: response.status, body } : null;
      }),
      grpc: await until("a gRPC call reaches a node", 5_000, async () => {
        const answer = await callGrpc(grpcEndpoint, path, marker);
        const received = grpc.takeReceived();
        return received > 0 ? { received, answer } : null;
      }),
    };
  } finally {
    http.close();
    grpc.close();
  }
}
