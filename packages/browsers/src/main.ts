/** `npm run test:browser -- [FLAGS]`: the web SDK in real browsers through the real nginx with TLS, and what strangers may try. */
import { parseArgs } from "node:util";
import { findProgram } from "@quorumguard/testbed";
import { installPackages, installsPackages } from "../../../scripts/install-packages.ts";
import { type BrowserName, browserNames, browserPackages } from "./browser-name.ts";
import { runHostile } from "./hostile/run-hostile.ts";
import { minuteHolds } from "./minute/judge-minute.ts";
import { minuteGuards, runMinute } from "./minute/run-minute.ts";
import { holds, type Report } from "./report.ts";
import { browserCases, missingBrowser, runCases } from "./run-cases.ts";
import { type Scene, startScene } from "./scene/scene.ts";

const usage = `npm run test:browser -- [--only NAME] [--case TEXT] [--minute] [--json]
  --only    one of ${[...browserNames, "hostile"].join(", ")} (default: all)
  --case    only the browsers' cases whose names contain TEXT
  --minute  instead: 20 calls a second for a minute, while the leader is killed every five seconds
  --json    end with one line of JSON on standard output
It needs Debian's nginx, chromium and firefox-esr: apt-get install -y nginx chromium firefox-esr. What is skipped has not passed.`;

const say = (text: string) => process.stderr.write(`${text}\n`);

function tell(name: string, { passed, cases, failed, skipped, failures, skipReason }: Report): void {
  const counts = `${passed}/${cases} passed, ${failed} failed, ${skipped} skipped`;
  say(`  ${name.padEnd(9)} ${skipReason === undefined ? counts : `skipped: ${skipReason}`}`);
  for (const failure of failures) say(`    ${failure.name}: ${failure.message}`);
}

/** Resolves with the result and whether all of it holds. */
type Outcome = { readonly passed: boolean } & Readonly<Record<string, unknown>>;

async function runAllCases(scene: Scene, only: string | undefined, text: string): Promise<Outcome> {
  const browsers: (Report & { readonly browser: BrowserName })[] = [];
  for (const browser of browserNames.filter((name) => only === undefined || name === only)) {
    const report = await runCases(browser, scene, text);
    tell(browser, report);
    browsers.push({ browser, ...report });
  }
  const equal = new Set(browsers.map(({ cases }) => cases)).size <= 1;
  let passed = equal && browsers.every(holds);
  if (only !== undefined && only !== "hostile") return { passed, browsers };
  const hostile = await runHostile(scene);
  tell("hostile", hostile);
  passed &&= holds(hostile);
  return { passed, browsers, hostile };
}

async function runMinutes(scene: Scene, only: string | undefined): Promise<Outcome> {
  const minutes = [];
  for (const browser of browserNames.filter((name) => only === undefined || name === only)) {
    for (const guard of minuteGuards) {
      const minute = await runMinute(browser, scene, guard);
      const { calls, failed, degraded, wronglyAdmitted, kills, slowestMs } = minute;
      const counts = `${calls} calls, ${failed} failed, ${degraded} degraded, ${wronglyAdmitted} wrongly admitted`;
      say(`  ${browser.padEnd(9)} ${guard.padEnd(8)} ${counts}; ${kills} leaders killed, slowest ${slowestMs} ms`);
      for (const failure of minute.failures) say(`    ${failure}`);
      minutes.push(minute);
    }
  }
  return { passed: minutes.length > 0 && minutes.every(minuteHolds), minutes };
}

/** Nothing to run, since what it needs is missing: said once, without starting a cluster for it. */
function nothingRuns(only: string | undefined): Outcome | null {
  const browsers = browserNames.filter((name) => only === undefined || name === only);
  const missing = browsers.map((name) => missingBrowser(name)).filter((reason) => reason !== null);
  const canRun =
    findProgram("nginx") !== null && (missing.length < browsers.length || only === undefined || only === "hostile");
  if (canRun) return null;
  for (const reason of new Set(missing)) say(`  skipped: ${reason}`);
  const counts = { cases: browserCases.length, passed: 0, failed: 0, skipped: browserCases.length };
  return { passed: false, browsers: browsers.map((browser) => ({ browser, ...counts })) };
}

/** Under `CI=true` nothing may be skipped that Debian has. @throws {Error} When it cannot be installed. */
async function installMissing(): Promise<void> {
  if (!installsPackages()) return;
  const wanted = (["nginx", ...Object.values(browserPackages)] as const).filter((name) => findProgram(name) === null);
  const failure = await installPackages(wanted);
  if (failure !== null) throw new Error(failure);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      case: { type: "string", default: "" },
      minute: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const { only } = values;
  if (only !== undefined && only !== "hostile" && !browserNames.some((name) => name === only)) {
    throw new Error(`--only is ${only}, but must be one of ${[...browserNames, "hostile"].join(", ")}`);
  }
  await installMissing();
  let outcome = nothingRuns(only);
  if (outcome === null) {
    const scene = await startScene();
    try {
      outcome = values.minute ? await runMinutes(scene, only) : await runAllCases(scene, only, values.case);
    } finally {
      await scene.stop();
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  return outcome.passed ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`test:browser: ${error instanceof Error ? error.stack : String(error)}`);
  process.exitCode = 1;
}
