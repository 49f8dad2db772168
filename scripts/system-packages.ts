import fs from "node:fs";
import path from "node:path";
import { runCommand } from "./run-command.ts";

/** A program that some tests need and that npm cannot bring. */
export interface SystemPackage {
  /** Debian's name for it. */
  readonly name: string;
  /** Names of the program, best first. */
  readonly programs: readonly string[];
  /** What is not tested without it. */
  readonly neededFor: string;
}

/** Everything that the tests need from the system. */
export const systemPackages = [
  { name: "nginx", programs: ["nginx"], neededFor: "the web SDK behind a real proxy" },
  {
    name: "chromium",
    programs: ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"],
    neededFor: "the web SDK in a real browser",
  },
  { name: "redis-server", programs: ["redis-server"], neededFor: "the benchmark against Redis" },
] as const satisfies readonly SystemPackage[];

/** The name of a system package that tests need. */
export type SystemPackageName = (typeof systemPackages)[number]["name"];

/** Where Debian keeps daemons, which a user's PATH may leave out. */
const daemonFolders = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/** Path of the program that a system package brings, or null if it is not installed. */
export function findProgram(name: SystemPackageName): string | null {
  const wanted = systemPackages.find((one) => one.name === name);
  if (wanted === undefined) return null;
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), ...daemonFolders].filter(Boolean);
  for (const program of wanted.programs) {
    for (const folder of folders) {
      const file = path.join(folder, program);
      try {
        fs.accessSync(file, fs.constants.X_OK);
        return file;
      } catch {
        // Not in this folder.
      }
    }
  }
  return null;
}

/** Why a test that needs `name` is skipped, with the remedy; null if it need not be. */
export function skipReason(name: SystemPackageName): string | null {
  if (findProgram(name) !== null) return null;
  const { neededFor } = systemPackages.find((one) => one.name === name)!;
  return `${name} is not installed, so ${neededFor} is not tested; remedy: apt-get install -y ${name}`;
}

/** The packages that are not installed. */
export function missingPackages(): readonly SystemPackageName[] {
  return systemPackages.map((one) => one.name).filter((name) => findProgram(name) === null);
}

/** True on Debian and what is built from it, by `/etc/os-release`. */
export function isDebian(osRelease: string = readOsRelease()): boolean {
  const fields = new Map(
    osRelease.split("\n").map((line) => {
      const [name = "", value = ""] = line.split("=", 2);
      return [name.trim(), value.trim().replaceAll(/^["']|["']$/g, "")];
    }),
  );
  const families = `${fields.get("ID") ?? ""} ${fields.get("ID_LIKE") ?? ""}`;
  return families.split(/\s+/).includes("debian");
}

function readOsRelease(): string {
  try {
    return fs.readFileSync("/etc/os-release", "utf8");
  } catch {
    return "";
  }
}

/** True if missing packages are to be installed and a skip is a failure: `CI=true` on Debian. */
export function installsPackages(): boolean {
  return process.env.CI === "true" && isDebian();
}

/** Installs what is missing. Returns why that failed, or null. */
export async function installPackages(names: readonly SystemPackageName[]): Promise<string | null> {
  if (names.length === 0) return null;
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const environment = ["env", "DEBIAN_FRONTEND=noninteractive"];
  for (const [flags, timeoutMs] of [
    [["apt-get", "update"], 180_000],
    [["apt-get", "install", "-y", "--no-install-recommends", ...names], 600_000],
  ] as const) {
    const [command = "", ...rest] = [...sudo, ...environment, ...flags];
    const { failure } = await runCommand(command, rest, { timeoutMs });
    if (failure !== null) return `${flags.join(" ")}: ${failure}`;
  }
  const still = names.filter((name) => findProgram(name) === null);
  return still.length === 0 ? null : `installed, yet its program is not found: ${still.join(", ")}`;
}
