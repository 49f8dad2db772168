import { nodeSpec } from "../../../../packages/cluster/src/cli/commands.ts";
import { flagDefault } from "../command-line.ts";
import { readSource } from "../repository.ts";
import type { PortFact, WireFacts } from "./wire-page.ts";

/** The script whose lines a test runs against a real cluster. */
const exampleScript = "examples/curl-and-grpcurl/with-curl.sh";

/** Ports from the command's own flags, and the first call of the tested example. */
export function readWireFacts(): WireFacts {
  return {
    ports: (["grpc", "peer", "http"] as const).map(portFact),
    jsonExample: firstCall(readSource(exampleScript)),
  };
}

function portFact(name: "grpc" | "peer" | "http"): PortFact {
  const flag = nodeSpec.flags.find((one) => one.name === name);
  if (flag === undefined) throw new Error(`quorumguard node has no flag --${name} any more`);
  return { flag: `--${name}`, meaning: flag.text, byDefault: flagDefault(flag) };
}

/**
 * The script's variables and its first call: the paragraphs before the second comment that follows them.
 * @throws {Error} if the script does not begin so.
 */
export function firstCall(script: string): string {
  const [variables = "", call = ""] = script
    .replace(/^#!.*\n/, "")
    .trim()
    .split(/\n\s*\n/);
  if (!/^\w+=/m.test(variables) || !call.includes("curl")) {
    throw new Error(`${exampleScript} does not begin with variables and a call with curl`);
  }
  return `${variables}\n\n${call}`;
}
