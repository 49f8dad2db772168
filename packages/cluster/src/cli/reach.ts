import { readFileSync } from "node:fs";
import type { Reach } from "./cluster-client.ts";
import { readPem } from "./read-pem.ts";
import { UsageError } from "./usage-error.ts";

/** Every command that asks a cluster has these. */
interface ReachFlags {
  text(flag: "tls-ca" | "token-file"): string | undefined;
}

/** How a command reaches nodes, and as whom. @throws {UsageError} when a file cannot be used. */
export function reachOf(flags: ReachFlags): Reach {
  const token = () => tokenOf(flags.text("token-file"));
  // A mistake is told before anybody is asked.
  token();
  return { ca: readPem("tls-ca", flags.text("tls-ca"), "certificate") ?? null, token };
}

/** Read each time: a command that runs for long is given a new one by way of the file. */
function tokenOf(file: string | undefined): string | null {
  if (file === undefined) return process.env.QUORUMGUARD_TOKEN?.trim() || null;
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new UsageError(`--token-file is ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
  // Three parts with dots between; the contents themselves are never shown.
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token;
  throw new UsageError(
    `--token-file is ${JSON.stringify(file)}: it must hold a token, as quorumguard token new prints it`,
  );
}
