import { once } from "node:events";
import { createInterface } from "node:readline";
import { styleText } from "node:util";
import type { LocalCluster } from "@quorumguard/testbed";
import { type ScriptName, scriptLines, startScript } from "./run-script.ts";

const foldAt = 112;

/**
 * Runs a script and prints it as a terminal would show it: what was typed, then what came of it. Comments stand at the
 * margin, commands further in, answers furthest; long answers are folded. Resolves with the exit status.
 */
export async function printTranscript(name: ScriptName, cluster: LocalCluster): Promise<number | null> {
  const child = startScript(name, cluster, ["-v"]);
  const closed = once(child, "close");
  const typed = scriptLines(name);
  let at = 0;
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line === typed[at]) {
      at += 1;
      process.stdout.write(`${typedLine(line)}\n`);
    } else {
      for (const part of fold(line)) process.stdout.write(`    ${part}\n`);
    }
  }
  const [code] = (await closed) as [number | null];
  return code;
}

function typedLine(line: string): string {
  if (line === "") return "";
  const style = (kind: "bold" | "cyan", text: string) => styleText(kind, text, { stream: process.stdout });
  return line.startsWith("#") ? style("bold", line) : `  ${style("cyan", line)}`;
}

/** Breaks a long line of JSON between its fields; words stay whole. */
function fold(line: string): readonly string[] {
  if (line.length <= foldAt || !line.startsWith("{")) return [line];
  const parts: string[] = [];
  let part = "";
  for (const field of line.split(/(?<=,)(?=["{])/)) {
    if (part !== "" && part.length + field.length > foldAt) {
      parts.push(part);
      part = "  ";
    }
    part += field;
  }
  return [...parts, part];
}
