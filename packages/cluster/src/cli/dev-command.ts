import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { announceDevCluster } from "@quorumguard/sdk-node/dev-clusters";
import { devSpec } from "./commands.ts";
import { DevCluster, type DevNode } from "./dev-cluster.ts";
import { checkDevPorts, portStep } from "./dev-ports.ts";
import { DevView, ownCommand } from "./dev-view.ts";
import { type ParsedFlags, parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { UsageError } from "./usage-error.ts";

/** Runs a cluster until Ctrl-C; resolves with the exit status. */
export async function devCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, devSpec);
  if (flags.has("help")) {
    process.stdout.write(commandHelp(devSpec));
    return 0;
  }
  const count = flags.whole("nodes");
  if (count % 2 === 0)
    throw new UsageError(`--nodes is ${count}: it must be 1, 3 or 5; an even one survives no more failures`);
  const firstPort = flags.whole("port");
  const tokens = tokenFlags(flags);
  await checkDevPorts(firstPort, count);
  const given = flags.text("data");
  const folder = given ?? (await mkdtemp(join(tmpdir(), "quorumguard-dev-")));
  const nodes = Array.from({ length: count }, (_, at) => devNode(at + 1, firstPort + portStep * at, folder));
  const [keys, audience] = [flags.text("token-keys"), flags.text("token-audience")];
  const view = new DevView({
    ...{ nodes, folder, temporary: given === undefined, command: ownCommand(process.env) },
    tokens: keys === undefined ? null : { keys, audience },
  });
  const cluster = new DevCluster(nodes, tokens, (event) => {
    const text = flags.has("json") ? JSON.stringify(event) : view.show(event);
    if (text !== null) process.stdout.write(`${text}\n`);
  });
  const endAnnouncement = announceDevCluster(nodes.map(({ grpc }) => grpc));
  try {
    return await cluster.run();
  } finally {
    endAnnouncement?.();
    if (given === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** What every node is told of tokens. */
function tokenFlags(flags: ParsedFlags<typeof devSpec>): readonly string[] {
  // Read as the nodes will: what is no number is told at once.
  const numbers = ["token-calls-per-second", "visitor-keys-per-minute"] as const;
  for (const name of numbers) flags.whole(name);
  return (["token-keys", "token-audience", ...numbers] as const).flatMap((name) => {
    const value = flags.text(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
}

function devNode(nodeId: number, port: number, folder: string): DevNode {
  const at = (offset: number) => `127.0.0.1:${port + offset}`;
  return { nodeId, grpc: at(0), peer: at(1), http: at(2), data: join(folder, String(nodeId)) };
}
