import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { scratchFolder } from "../scratch-folder.ts";
import type { CpuProfile } from "./self-times.ts";

/** What was done under V8's profiler, and what it saw. */
export interface Profiled<T> {
  readonly seen: T;
  /** Of a process's main thread. @throws {Error} when that process left none. */
  profileOf(pid: number): CpuProfile;
}

/** Every process of Node.js that `run` starts is profiled, and has to have ended when it resolves: each writes its profile then. */
export async function withProfiles<T>(run: () => Promise<T>): Promise<Profiled<T>> {
  const folder = await scratchFolder("profile");
  const flags = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `${flags ?? ""} --cpu-prof --cpu-prof-dir=${folder.path}`;
  try {
    const seen = await run();
    const profiles = await readProfiles(folder.path);
    return {
      seen,
      profileOf(pid) {
        const profile = profiles.get(pid);
        if (profile === undefined) throw new Error(`process ${pid} left no profile`);
        return profile;
      },
    };
  } finally {
    if (flags === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = flags;
    folder.remove();
  }
}

/** The profiles of main threads, by process: it is in the file's name. */
async function readProfiles(folder: string): Promise<ReadonlyMap<number, CpuProfile>> {
  const profiles = new Map<number, CpuProfile>();
  for (const name of await readdir(folder)) {
    const [, , , pid, thread] = name.split(".");
    if (Number(thread) !== 0) continue;
    profiles.set(Number(pid), JSON.parse(await readFile(join(folder, name), "utf8")) as CpuProfile);
  }
  return profiles;
}
