import fs from "node:fs";
import path from "node:path";

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
  { name: "firefox-esr", programs: ["firefox-esr", "firefox"], neededFor: "the web SDK in a second browser" },
  { name: "prometheus", programs: ["prometheus"], neededFor: "the stack's scraping, alerts and dashboard" },
  { name: "iproute2", programs: ["ip"], neededFor: "the stack in a private network" },
  { name: "util-linux", programs: ["unshare"], neededFor: "the stack in a private network" },
  { name: "mount", programs: ["mount"], neededFor: "the stack in a private network" },
  { name: "curl", programs: ["curl"], neededFor: "what pages, examples and `quorumguard dev` show to type" },
  { name: "redis-server", programs: ["redis-server"], neededFor: "the benchmark against Redis" },
  { name: "etcd-server", programs: ["etcd"], neededFor: "the benchmark against etcd" },
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

/** As `findProgram`, for who cannot go on without it. @throws {Error} With the remedy. */
export function requireProgram(name: SystemPackageName): string {
  const file = findProgram(name);
  if (file === null) throw new Error(`${name} is not installed; remedy: apt-get install -y ${name}`);
  return file;
}

/** Why a test that needs `name` is skipped, with the remedy; null if it need not be. */
export function skipReason(name: SystemPackageName): string | null {
  if (findProgram(name) !== null) return null;
  const { neededFor } = systemPackages.find((one) => one.name === name)!;
  return `${name} is not installed, so ${neededFor} is not tested; remedy: apt-get install -y ${name}`;
}

/** The packages that the tests need and this machine lacks. */
export function missingPackages(): readonly SystemPackageName[] {
  return systemPackages.map((one) => one.name).filter((name) => findProgram(name) === null);
}
