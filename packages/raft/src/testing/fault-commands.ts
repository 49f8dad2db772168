import type { Refusal } from "../types.ts";
import type { Interaction } from "./interaction.ts";
import { firstId, parseNumber, plainArgs, ScriptError } from "./interaction-args.ts";
import { encodeText } from "./quote.ts";
import type { Directive } from "./script-reader.ts";

type Command = (env: Interaction, directive: Directive) => void;

/** Kills the process; with `lose-unflushed` the power fails, and what was not flushed is gone. */
function crash(env: Interaction, directive: Directive): void {
  const [, mode] = plainArgs(directive);
  if (mode !== undefined && mode !== "lose-unflushed") throw new ScriptError(`unknown way to crash: ${mode}`);
  const id = firstId(directive);
  env.node(id).crash(mode === "lose-unflushed");
  // Messages to the node were in its connections, and died with them.
  env.messages = env.messages.filter(({ to }) => to !== id);
}

function restart(env: Interaction, directive: Directive): void {
  const id = firstId(directive);
  const node = env.node(id);
  if (node.up) throw new ScriptError(`node ${id} runs`);
  node.restart();
}

/** `partition (1,2) (3)`: nodes hear those of their group. */
function partition(env: Interaction, directive: Directive): void {
  env.partition = plainArgs(directive).map((group) => {
    const list = /^\(([\d, ]*)\)$/.exec(group);
    if (list === null) throw new ScriptError(`${group} is not a group, such as (1,2)`);
    return list[1]!.split(",").map((id) => parseNumber(id, "node"));
  });
}

/** `stall`: no write is done until `heal`. `fail`: the next one is refused. `tear`: the last one of a dead node is unreadable. */
function diskFault(env: Interaction, directive: Directive): void {
  const id = firstId(directive);
  const node = env.node(id);
  const kind = plainArgs(directive)[1];
  switch (kind) {
    case "stall":
      node.disk = "stalled";
      break;
    case "fail":
      node.disk = "failing";
      break;
    case "heal":
      node.disk = "sound";
      break;
    case "tear":
      if (node.up) throw new ScriptError(`node ${id} runs: only a restart finds a torn write`);
      if (!node.tearLastWrite()) throw new ScriptError(`node ${id} has written nothing`);
      break;
    default:
      throw new ScriptError(`unknown disk fault: ${kind ?? "none"}`);
  }
}

/** `clock i +N`: N ticks pass at once. `clock i -N`: its next N ticks do not happen. */
function clock(env: Interaction, directive: Directive): void {
  const steps = parseNumber(plainArgs(directive)[1], "ticks");
  const node = env.node(firstId(directive));
  if (steps < 0) node.stoppedTicks -= steps;
  else for (let ticks = 0; ticks < steps; ticks++) node.raft.tick();
}

/** Commands of this project's own scripts: the faults that the behaviour scripts of others lack, and reads. */
export function createFaultCommands(
  report: (env: Interaction, refusal: Refusal | null) => void,
): Readonly<Record<string, Command>> {
  return {
    clock,
    crash,
    "disk-fault": diskFault,
    heal: (env) => {
      env.partition = null;
    },
    partition,
    "read-index": (env, directive) =>
      report(env, env.node(firstId(directive)).raft.readIndex(encodeText(plainArgs(directive)[1] ?? ""))),
    restart,
  };
}
