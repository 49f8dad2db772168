/**
 * One client process of the nemesis: a guard of the published SDK, and callers that ask through it until standard input
 * says "stop" or ends. Its plan is the JSON of its first argument. It prints lines of JSON, twice a second how many calls
 * there were and at once what a steady caller was told, and writes everything that its callers saw and its sessions were
 * told to files, one JSON document per line.
 */
import { createGuard } from "@quorumguard/sdk-node";
import { createRandom } from "../random.ts";
import { createCallNames } from "./call-names.ts";
import {
  type CallerOptions,
  runAttacker,
  runLeasedCaller,
  runLedgerCaller,
  runSharedCaller,
  startSteadyCaller,
} from "./caller.ts";
import type { ClientPlan } from "./client-plan.ts";
import type { ClientReport } from "./client-report.ts";
import type { CallLine } from "./history.ts";
import { tapSessions } from "./http2-tap.ts";
import { LineWriter } from "./line-writer.ts";
import { createSessionTap } from "./session-tap.ts";
import { createWorkload } from "./workload.ts";

const plan = JSON.parse(process.argv[2] ?? "{}") as ClientPlan;
const calls = new LineWriter(plan.callsFile);
const sessions = new LineWriter(plan.sessionsFile);
const names = createCallNames();
const readyMs = 60_000;
tapSessions(createSessionTap(plan.name, (line) => sessions.write(line), names));

const random = createRandom(plan.seed);
const workload = createWorkload(plan.seed, plan.startUs);
let stopped = false;
const counts = { calls: 0, decided: 0, failed: 0 };

const guard = createGuard({ endpoints: plan.endpoints, ...plan.guard });
// Callers begin when there is somebody to ask: what a start takes is no fault's doing.
await guard.ready({ timeoutMs: readyMs });

const tell = (report: ClientReport) => void process.stdout.write(`${JSON.stringify(report)}\n`);

const optionsOf = (name: string, heard?: (line: CallLine) => void): CallerOptions => ({
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
    heard?.(line);
  },
  stopped: () => stopped,
});
const callers = [
  ...Array.from({ length: plan.sharedCallers }, (_, i) => runSharedCaller(optionsOf(`shared-${i}`))),
  ...Array.from({ length: plan.ledgerCallers }, (_, i) => runLedgerCaller(optionsOf(`ledger-${i}`))),
  ...Array.from({ length: plan.leasedCallers }, (_, i) => runLeasedCaller(optionsOf(`leased-${i}`))),
  ...Array.from({ length: plan.attackers }, (_, i) => runAttacker(optionsOf(`attacker-${i}`))),
];
const endSteady =
  plan.steadyIntervalMs === null
    ? () => Promise.resolve()
    : startSteadyCaller(
        optionsOf("steady", ({ startUs, endUs, source, allowed, error }) =>
          tell({ kind: "steady", startUs, endUs, source, allowed, error }),
        ),
        plan.steadyIntervalMs,
      );

const report = setInterval(() => {
  calls.flush();
  sessions.flush();
  tell({ kind: "counts", ...counts });
}, 500);

async function stop(): Promise<void> {
  if (stopped) return;
  stopped = true;
  await Promise.all([...callers, endSteady()]);
  clearInterval(report);
  await guard.close();
  calls.close();
  sessions.close();
  tell({ kind: "counts", ...counts });
  process.exit(0);
}

process.stdin.on("data", stop);
process.stdin.on("end", stop);
