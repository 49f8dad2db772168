import fs from "node:fs";

/**
 * The id of the `quorumguard` process on this machine that listens on a TCP port, from Linux' /proc.
 * @throws {Error} when there is none, or when another program listens there, such as a tunnel to a cluster elsewhere.
 */
export function listeningProcess(port: number): number {
  const advice = "pass --kill with the command that ends the leader";
  if (process.platform !== "linux") throw new Error(`finding the leader's process needs Linux' /proc; ${advice}`);
  const sockets = new Set(["tcp", "tcp6"].flatMap((table) => listeningSockets(`/proc/net/${table}`, port)));
  for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (!openFiles(pid).some((file) => sockets.has(file))) continue;
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    if (/quorumguard|cluster\/(dist|src)\/cli\/main/.test(command)) return Number(pid);
    throw new Error(`on port ${port} listens process ${pid} (${command}), which is no quorumguard; ${advice}`);
  }
  throw new Error(`no process of yours on this machine listens on port ${port}; ${advice}`);
}

/** As /proc/PID/fd names them: `socket:[INODE]`. State 0A is LISTEN. */
function listeningSockets(table: string, port: number): string[] {
  if (!fs.existsSync(table)) return [];
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  return fs
    .readFileSync(table, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hexPort}`) && fields[3] === "0A")
    .map((fields) => `socket:[${fields[9]}]`);
}

/** Empty for processes of others, and for those that have ended meanwhile. */
function openFiles(pid: string): string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).flatMap((file) => readLink(`/proc/${pid}/fd/${file}`));
  } catch {
    return [];
  }
}

function readLink(file: string): string[] {
  try {
    return [fs.readlinkSync(file)];
  } catch {
    return [];
  }
}
