import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createMutantCopy } from "./mutants/mutant-copy.ts";
import { type Mutant, mutants } from "./mutants/registry.ts";

/** `npm run mutants`: plants every bug of the registry, one at a time, and runs seeds until the simulator finds it. */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const usage = `Plants known bugs into a copy of the sources, one at a time, and expects the simulator to find each.

  npm run mutants -- [--seeds N] [--only NAME] [--json]

  --seeds N    seeds to try for each bug (default 500)
  --only NAME  one bug alone: ${mutants.map((mutant) => mutant.name).join(", ")}
  --json       only the last line: a summary in JSON

Exit status 0 only if every bug was found.`;

interface Verdict {
  readonly mutant: string;
  /** The seed that found it; null: it survived. */
  readonly seed: number | null;
  /** What found it. */
  readonly by: string | null;
}

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** The simulator's last line on the mutated sources. */
function simulate(cli: string, seeds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning", cli];
    const args = [...flags, "--seeds", `${seeds}`, "--start", "1", "--json", "--until-failure"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-4_000);
    });
    child.on("error", reject);
    child.on("close", () => {
      const last = output.trimEnd().split("\n").at(-1) ?? "";
      if (last.startsWith("{")) resolve(last);
      else reject(new Error(`the simulator gave no summary on the mutated sources:\n${errors}`));
    });
  });
}

async function judge(mutant: Mutant, seeds: number): Promise<Verdict> {
  const copy = createMutantCopy(repository, mutant);
  try {
    const summary = JSON.parse(await simulate(copy.cli, seeds)) as {
      firstFailure: { seed: number; violation: string } | null;
    };
    const { firstFailure } = summary;
    return {
      mutant: mutant.name,
      seed: firstFailure?.seed ?? null,
      by: firstFailure?.violation.split("\n")[0] ?? null,
    };
  } finally {
    copy.remove();
  }
}

async function main(): Promise<void> {
  const seeds = Number(values.seeds);
  const chosen = mutants.filter((mutant) => values.only === undefined || mutant.name === values.only);
  if (!Number.isSafeInteger(seeds) || seeds < 1 || chosen.length === 0) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const verdicts: Verdict[] = [];
  for (const mutant of chosen) {
    const verdict = await judge(mutant, seeds);
    verdicts.push(verdict);
    if (values.json) continue;
    if (verdict.seed === null) console.log(`${mutant.name}: SURVIVED ${seeds} seeds (${mutant.breaks})`);
    else console.log(`${mutant.name}: killed at seed ${verdict.seed} by ${verdict.by}`);
  }
  const survived = verdicts.filter((verdict) => verdict.seed === null).length;
  console.log(JSON.stringify({ mutants: verdicts.length, killed: verdicts.length - survived, survived, verdicts }));
  process.exitCode = survived === 0 ? 0 : 1;
}

if (values.help) console.log(usage);
else await main();
