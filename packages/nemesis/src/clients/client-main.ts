/**
 * One client process of the nemesis: a guard of the published SDK, and callers that ask through it until standard input
 * says "stop" or ends. Its plan is the JSON of its first argument. It prints one line of JSON about once a second, and
 * writes everything that its callers saw and its sessions were told to files, one JSON document per line.
 */
import { createGuard } from "@quorumguard/sdk-node";
import { createRandom } from "../random.ts";
import { createCallNames } from "./call-names.ts";
import { type CallerOptions, runLedgerCaller, runSharedCaller } from "./caller.ts";
import type { ClientPlan } from "./client-plan.ts";
import { tapSessions } from "./http2-tap.ts";
import { LineWriter } from "./line-writer.ts";
import { createSessionTap } from "./session-tap.ts";
import { createWorkload } from "./workload.ts";

const plan = JSON.parse(process.argv[2] ?? "{}") as ClientPlan;
const calls = new LineWriter(plan.callsFile);
const sessions = new LineWriter(plan.sessionsFile);
const names = createCallNames();
tapSessions(createSessionTap(plan.name, (line) => sessions.write(line), names));

const random = createRandom(plan.seed);
const workload = createWorkload(plan.seed, plan.startUs);
let stopped = false;
const counts = { calls: 0, decided: 0, failed: 0 };

const guard = createGuard({
  endpoints: plan.endpoints,
  onUnavailable: "throw",
  timeoutMs: plan.timeoutMs,
  routing: plan.routing,
});

const optionsOf = (name: string): CallerOptions => ({
  client: plan.name,
  name,
  guard,
  names,
  workload,
  random: random.fork(`${plan.name} ${name}`),
  thinkMs: plan.thinkMs,
  write: (line) => {
    counts.calls += 1;
    if (line.allowed === null) counts.failed += 1;
    else counts.decided += 1;
    calls.write(line);
  },
  stopped: () => stopped,
});
const callers = [
  ...Array.from({ length: plan.sharedCallers }, (_, i) => runSharedCaller(optionsOf(`shared-${i}`))),
  ...Array.from({ length: plan.ledgerCallers }, (_, i) => runLedgerCaller(optionsOf(`ledger-${i}`))),
];

const report = setInterval(() => {
  calls.flush();
  sessions.flush();
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}, 500);

async function stop(): Promise<void> {
  if (stopped) return;
  stopped = true;
  await Promise.all(callers);
  clearInterval(report);
  await guard.close();
  calls.close();
  sessions.close();
  process.stdout.write(`${JSON.stringify({ ...counts, stopped: true })}\n`);
  process.exit(0);
}

process.stdin.on("data", stop);
process.stdin.on("end", stop);
