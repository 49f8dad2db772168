import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { findProgram, freePorts, until } from "@quorumguard/testbed";
import { type Program, startProgram } from "../program.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { AbsentSystem, type System } from "../system.ts";
import { readMetric } from "./read-metric.ts";

const members = [0, 1, 2] as const;

/** Three etcd processes with default settings: each flushes its log before it acknowledges. */
export async function startEtcd(): Promise<System> {
  const program = findProgram("etcd-server");
  if (program === null) throw new AbsentSystem("etcd is not installed; remedy: apt-get install -y etcd-server");
  const ports = await freePorts(2 * members.length);
  const endpoint = (member: number) => `127.0.0.1:${ports[2 * member]}`;
  const peerUrl = (member: number) => `http://127.0.0.1:${ports[2 * member + 1]}`;
  const folder = await scratchFolder("etcd");
  const initialCluster = members.map((member) => `member-${member}=${peerUrl(member)}`).join(",");
  const start = (member: number) =>
    startProgram({
      program,
      flags: [
        ...["--name", `member-${member}`, "--data-dir", join(folder.path, String(member))],
        ...[
          "--listen-client-urls",
          `http://${endpoint(member)}`,
          "--advertise-client-urls",
          `http://${endpoint(member)}`,
        ],
        ...["--listen-peer-urls", peerUrl(member), "--initial-advertise-peer-urls", peerUrl(member)],
        ...["--initial-cluster", initialCluster, "--initial-cluster-state", "new"],
      ],
      readyWords: "ready to serve client requests",
    });
  const running = new Map<number, Program>();
  const startMember = async (member: number) => void running.set(member, await start(member));
  const metric = (member: number, name: string) => readMetric(`http://${endpoint(member)}/metrics`, name);
  const stop = async () => {
    await Promise.all([...running.values()].map((one) => one.end("SIGTERM")));
    folder.remove();
  };
  const findLeader = () =>
    until("etcd has no leader", 60_000, async () => {
      for (const member of running.keys()) {
        if ((await metric(member, "etcd_server_is_leader").catch(() => 0)) === 1) return member;
      }
      return null;
    });
  let killed: number | null = null;
  try {
    await Promise.all(members.map(startMember));
  } catch (error) {
    await stop();
    throw error;
  }
  const version = spawnSync(program, ["--version"], { encoding: "utf8" }).stdout;
  return {
    configuration: {
      version: /etcd Version: (\S+)/.exec(version)?.[1] ?? version.trim(),
      processes: members.length,
      flags: "addresses and data folders only: flushes, heartbeats and elections as by default",
    },
    async endpoints() {
      const leader = await findLeader();
      return [endpoint(leader), ...members.filter((member) => member !== leader).map(endpoint)];
    },
    pids: () => [...running.values()].map((one) => one.pid),
    flushes: () =>
      Promise.all(
        [...running.keys()].map(
          async (member) =>
            (await metric(member, "etcd_disk_wal_fsync_duration_seconds_count")) +
            (await metric(member, "etcd_disk_backend_commit_duration_seconds_count")),
        ),
      ),
    leader: {
      async kill() {
        killed = await findLeader();
        await running.get(killed)!.end("SIGKILL");
        running.delete(killed);
      },
      async restore() {
        if (killed !== null) await startMember(killed);
        killed = null;
        await findLeader();
      },
    },
    stop,
  };
}
