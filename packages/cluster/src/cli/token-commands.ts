import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import type { TokenOperation } from "@quorumguard/proto";
import { helped, printLine } from "./asking-flags.ts";
import { parseFlags } from "./flags.ts";
import { tokenKeyNewSpec, tokenNewSpec } from "./token-specs.ts";
import { UsageError } from "./usage-error.ts";

/** Loaded only when it is needed: help and mistakes do not wait for it. */
const tokens = () => import("@quorumguard/sdk-node/tokens");

/** Only whoever runs the command reads what it wrote. */
const ownersMode = 0o600;
/** A set of public keys is no secret. */
const publicMode = 0o644;

/** Makes a key; resolves with the exit status. */
export async function tokenKeyNewCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, tokenKeyNewSpec);
  if (helped(flags, tokenKeyNewSpec)) return 0;
  const [id, algorithm] = [flags.text("id"), flags.choice("algorithm")];
  const [keyFile, setFile] = [flags.text("key"), flags.text("token-keys")];
  const { createTokenKey, nodeKeySet } = await tokens();
  const { privateKey, nodeKey } = await createTokenKey({ id, algorithm });
  const { set, mode } = readSet(setFile);
  // Judged before anything is written: an id that is there already, a set that is full.
  const next = nodeKeySet([...set, nodeKey]);
  writeNew(keyFile, privateKey);
  writeOver(setFile, next, algorithm === "HS256" ? ownersMode : mode);
  const wrote = { id, algorithm, key: keyFile, tokenKeys: setFile };
  printLine(
    flags.has("json")
      ? JSON.stringify(wrote)
      : `${keyFile}: the private key ${JSON.stringify(id)}, for the server that makes tokens\n${setFile}: ${next.keys.length} in the set of the nodes' --token-keys`,
  );
  return 0;
}

/** Makes a token; resolves with the exit status. */
export async function tokenNewCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, tokenNewSpec);
  if (helped(flags, tokenNewSpec)) return 0;
  const keyFile = flags.text("key");
  const key = readText("key", keyFile);
  const { createTokenIssuer } = await tokens();
  const issuer = createTokenIssuer({ key, audience: flags.text("token-audience") });
  const token = await issuer.mintForServer({
    // The issuer checks all three, and names what is wrong.
    operations: flags.text("operations").split(",") as TokenOperation[],
    expiresIn: flags.text("expires-in") as `${number}s`,
    namespace: flags.text("namespace"),
    subject: flags.text("subject"),
  });
  printLine(flags.has("json") ? JSON.stringify({ token }) : token);
  return 0;
}

type NodeKeys = Parameters<Awaited<ReturnType<typeof tokens>>["nodeKeySet"]>[0];

/** The keys that a set holds already, and who may read it; none if there is no such file. */
function readSet(file: string): { readonly set: NodeKeys; readonly mode: number } {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return { set: [], mode: publicMode };
  const refuse = () =>
    new UsageError(`--token-keys is ${JSON.stringify(file)}: it is no set of keys; give another file`);
  let value: unknown;
  try {
    value = JSON.parse(readText("token-keys", file));
  } catch (error) {
    // The parser's own words quote the text around the mistake, and that may be a secret.
    throw error instanceof UsageError ? error : refuse();
  }
  const keys = typeof value === "object" && value !== null && "keys" in value ? value.keys : null;
  if (!Array.isArray(keys)) throw refuse();
  return { set: keys as NodeKeys, mode: mode & 0o777 };
}

function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--${flag} is ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** @throws {UsageError} if the file is there: a key that is written over is lost, and its tokens with it. */
function writeNew(file: string, value: object): void {
  try {
    writeFileSync(file, json(value), { flag: "wx", mode: ownersMode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new UsageError(
      `--key is ${JSON.stringify(file)}: it is there already, and may be a key in use; give another name`,
    );
  }
}

/** By a rename, so that no node reads half of it. */
function writeOver(file: string, value: object, mode: number): void {
  const draft = `${file}.new`;
  writeFileSync(draft, json(value), { mode });
  renameSync(draft, file);
}
