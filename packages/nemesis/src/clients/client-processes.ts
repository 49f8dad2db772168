import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ClientPlan } from "./client-plan.ts";
import type { ClientReport, SteadyAnswer } from "./client-report.ts";

const script = fileURLToPath(new URL("./client-main.ts", import.meta.url));

/** The client processes of one run, from their start to the files that they leave. */
export interface ClientProcesses {
  readonly callsFiles: readonly string[];
  readonly sessionsFiles: readonly string[];
  readonly names: readonly string[];
  /** Calls that ended so far, as last reported. */
  readonly decided: number;
  readonly failed: number;
  /** Pauses one process (SIGSTOP), or lets it go on. */
  signal(at: number, signal: "SIGSTOP" | "SIGCONT"): void;
  /** Resolves once every client was given so many more decisions. Rejects after `timeoutMs`. */
  more(decisions: number, timeoutMs: number): Promise<void>;
  /** Lets calls in flight end. Resolves with what went wrong with the processes themselves. */
  stop(): Promise<readonly string[]>;
  killAll(): void;
}

/** Who is told what clients report, while it happens. */
export interface ClientListener {
  /** A steady caller was told something. */
  readonly onSteady?: (answer: SteadyAnswer) => void;
}

interface Running {
  readonly plan: ClientPlan;
  readonly child: ChildProcess;
  decided: number;
  failed: number;
  errors: string;
}

/** Starts a process for each plan. */
export function startClients(plans: readonly ClientPlan[], listener: ClientListener = {}): ClientProcesses {
  const listeners = new Set<() => void>();
  const clients = plans.map((plan): Running => {
    const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning"];
    const child = spawn(process.execPath, [...flags, script, JSON.stringify(plan)], {
      stdio: ["pipe", "pipe", "pipe"],
      // As nodes are: Ctrl-C reaches it through us alone.
      detached: true,
    });
    const running: Running = { plan, child, decided: 0, failed: 0, errors: "" };
    child.stdin!.on("error", () => {});
    child.stderr!.on("data", (text) => {
      running.errors = (running.errors + text).slice(-4_000);
    });
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const report = JSON.parse(line) as ClientReport;
      if (report.kind === "steady") {
        listener.onSteady?.(report);
        return;
      }
      running.decided = report.decided;
      running.failed = report.failed;
      for (const look of listeners) look();
    });
    return running;
  });
  const sum = (of: (client: Running) => number) => clients.reduce((total, client) => total + of(client), 0);

  return {
    names: clients.map(({ plan }) => plan.name),
    callsFiles: clients.map(({ plan }) => plan.callsFile),
    sessionsFiles: clients.map(({ plan }) => plan.sessionsFile),
    get decided() {
      return sum((client) => client.decided);
    },
    get failed() {
      return sum((client) => client.failed);
    },
    signal: (at, signal) => void clients[at]!.child.kill(signal),
    more(decisions, timeoutMs) {
      const goals = clients.map((client) => client.decided + decisions);
      return new Promise((resolve, reject) => {
        const end = (finish: () => void) => {
          clearTimeout(timer);
          listeners.delete(look);
          finish();
        };
        const look = () => {
          if (clients.every((client, at) => client.decided >= goals[at]!)) end(resolve);
        };
        const timer = setTimeout(() => {
          const left = clients.map((client, at) => `${client.plan.name} ${client.decided - goals[at]! + decisions}`);
          end(() => reject(new Error(`not ${decisions} more decisions within ${timeoutMs} ms: ${left.join(", ")}`)));
        }, timeoutMs);
        listeners.add(look);
      });
    },
    async stop() {
      const problems = await Promise.all(clients.map(stopClient));
      return problems.flat();
    },
    killAll() {
      for (const { child } of clients) child.kill("SIGKILL");
    },
  };
}

async function stopClient(client: Running): Promise<readonly string[]> {
  const { child, plan } = client;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGCONT");
    child.stdin!.end("stop\n");
    await ended;
  }
  if (child.exitCode === 0) return [];
  return [`${plan.name} ended by itself (${child.exitCode ?? child.signalCode}): ${client.errors}`];
}
