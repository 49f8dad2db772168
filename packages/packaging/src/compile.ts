import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Entry } from "./published-package.ts";
import { runProgram } from "./run-program.ts";

/** Every compiler that is checked: the aliases of `typescript` in this package's package.json, by version. */
export const compilers: readonly string[] = Object.keys(
  JSON.parse(fs.readFileSync(new URL("../package.json", import.meta.url), "utf8")).devDependencies,
)
  .filter((name) => /^typescript-\d/.test(name))
  .map((name) => name.slice("typescript-".length));

/** How a user's project is compiled. */
export interface CompileOptions {
  /** One of {@link compilers}. */
  readonly typescript: string;
  readonly module: "nodenext" | "bundler";
  readonly lib: readonly string[];
  readonly types: readonly string[];
  /** False, unless what others wrote is in the way: then every declaration is checked, ours and those of what we use. */
  readonly skipLibCheck?: boolean;
  /** Sources of this package, relative to this file. */
  readonly sources: readonly string[];
  /** Modules to import as they are. */
  readonly entries: readonly Entry[];
}

/** Compiles inside an installed project, and returns what the compiler says; empty if it accepts everything. */
export async function compile(project: string, options: CompileOptions): Promise<string> {
  const { typescript, module, entries, lib, types, skipLibCheck = false } = options;
  // Beside node_modules, so that everything is found as in a project of that name.
  const folder = fs.mkdtempSync(path.join(project, `typescript-${typescript}-${module}-`));
  const names = options.sources.map((source) => path.basename(source));
  for (const source of options.sources) {
    fs.copyFileSync(new URL(source, import.meta.url), path.join(folder, path.basename(source)));
  }
  const write = (name: string, text: string) => fs.writeFileSync(path.join(folder, name), text);
  write("entries.ts", entries.map(({ specifier }, at) => `export * as entry${at} from "${specifier}";\n`).join(""));
  names.push("entries.ts");
  if (module === "nodenext") {
    // `require` of ESM has types of its own way, and is an error where a compiler takes a package for something else.
    write(
      "required.cts",
      entries.map(({ specifier }, at) => `export import entry${at} = require("${specifier}");\n`).join(""),
    );
    names.push("required.cts");
  }
  const compilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck, noEmit: true },
    // A compiler's own declarations are not checked again beside each of our entries.
    ...{ target: "ES2022", lib, types, isolatedModules: true, skipDefaultLibCheck: true },
    ...(module === "nodenext" ? { module } : { module: "ESNext", moduleResolution: module }),
  };
  write("tsconfig.json", JSON.stringify({ compilerOptions, files: names }));
  const tsc = fileURLToPath(new URL(`../node_modules/typescript-${typescript}/bin/tsc`, import.meta.url));
  const flags = [tsc, "-p", folder, "--pretty", "false"];
  const { status, stdout, stderr } = await runProgram(process.execPath, flags, { cwd: folder, timeoutMs: 150_000 });
  if (status === 0 && stdout === "") return "";
  return `${stdout}${stderr}exit status ${status}`;
}
