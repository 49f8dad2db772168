/** The contract as a page's script: `?endpoints=…&runtime=…` in the page's address; the report ends up in its title and text. Bundle it. */
import { runContract } from "./run-contract.ts";

const query = new URL(location.href).searchParams;
const report = await runContract(query.get("runtime") ?? "browser", query.get("endpoints") ?? location.origin);
document.body.textContent = JSON.stringify(report);
document.title = "done";
