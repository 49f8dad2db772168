import fs from "node:fs";
import { findProgram, type SystemPackageName } from "@quorumguard/testbed";
import { runCommand } from "./run-command.ts";

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
