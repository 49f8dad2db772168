import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { findProgram, skipReason } from "@quorumguard/testbed";

/**
 * Flags of `unshare`: a network of its own with nothing but loopback, mounts that nobody else sees, and processes that
 * all end when the first of them does. None of it needs root, where the kernel lets users have namespaces.
 */
const flags = ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"];

/** Why nothing can be run in private namespaces here; null if it can. */
export function namespaceRefusal(): string | null {
  for (const name of ["util-linux", "iproute2"] as const) {
    const reason = skipReason(name);
    if (reason !== null) return reason;
  }
  // The same steps as a service takes: mounts inside, and a second user namespace for its user.
  const probe = "ip link set lo up && mount -t tmpfs tmpfs /mnt && unshare --user --map-user=1 --map-group=1 true";
  const { status, stderr } = spawnSync(findProgram("util-linux")!, [...flags, "sh", "-ec", probe], {
    encoding: "utf8",
    env: systemPath(),
  });
  return status === 0 ? null : `this system does not permit private namespaces: ${stderr.trim()}`;
}

/** Starts a program as the first process of private namespaces; killing the child ends everything in them. */
export function spawnInNamespaces(words: readonly string[]): ChildProcess {
  return spawn(findProgram("util-linux")!, [...flags, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: systemPath(),
  });
}

/** The environment with the folders in which Debian keeps `ip`, `pivot_root` and nginx, which a user's PATH leaves out. */
function systemPath(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin` };
}
