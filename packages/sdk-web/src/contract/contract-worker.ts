/** The contract as a worker: `GET /?endpoints=…&runtime=…` answers with the report. Bundle it for workerd. */
import { runContract } from "./run-contract.ts";

const worker = {
  async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const report = await runContract(query.get("runtime") ?? "workerd", query.get("endpoints") ?? "");
    return Response.json(report);
  },
};

// The runtime looks for the default export.
export { worker as default };
