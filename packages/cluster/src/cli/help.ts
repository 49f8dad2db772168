import type { CommandSpec, ExampleSpec, FlagSpec } from "./command-spec.ts";

/** No line of help is longer, so that it fits where people read it. */
const lineLength = 100;
/** A label that leaves too little room for its text has a line of its own. */
const longestLabel = 28;

/** A flag as help shows it: `--timeout MS`. */
export function flagLabel(flag: FlagSpec): string {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  return `${short}--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`;
}

/** What holds if a flag is not given, as help shows it; empty if there is nothing to say. */
export function flagDefault({ environment, found, default: value, otherwise, required }: FlagSpec): string {
  if (required === true) return "required";
  if (otherwise !== undefined) return `default: ${otherwise}`;
  if (value === undefined) return "";
  const places = [
    ...(environment === undefined ? [] : [`$${environment}`]),
    ...(found === undefined ? [] : [found.what]),
  ];
  return `default: ${[...places, value].join(", else ")}`;
}

/** The text of `quorumguard COMMAND --help`. */
export function commandHelp(command: CommandSpec): string {
  const rows = [
    ...command.operands.map(({ name, text }): Row => [name, text]),
    ...command.flags.map((flag): Row => [flagLabel(flag), flagText(flag)]),
  ];
  return paragraphs([
    [`quorumguard ${command.name}: ${command.summary}`],
    exampleLines(command.examples),
    table(rows),
    command.notes.flatMap((note) => wrap(note, lineLength)),
    ["Exit status:", ...table(command.exitStatuses.map(({ status, text }) => [String(status), text]))],
  ]);
}

/** The text of `quorumguard --help`. */
export function programHelp(
  program: Pick<CommandSpec, "name" | "summary" | "flags">,
  commands: readonly CommandSpec[],
): string {
  const label = (command: CommandSpec) =>
    [program.name, command.name, ...command.operands.map((operand) => operand.name)].join(" ");
  return paragraphs([
    [`${program.name}: ${program.summary}`],
    table(
      commands.map((command) => [label(command), command.summary]),
      40,
    ),
    table(
      [
        [`${program.name} COMMAND --help`, "examples, all flags and exit statuses of a command; --json everywhere"],
        ...program.flags.map((flag): Row => [`${program.name} ${flagLabel(flag)}`, flag.text]),
      ],
      40,
    ),
  ]);
}

type Row = readonly [label: string, text: string];

function flagText(flag: FlagSpec): string {
  const otherwise = flagDefault(flag);
  return otherwise === "" ? flag.text : `${flag.text} (${otherwise})`;
}

function exampleLines(examples: readonly ExampleSpec[]): string[] {
  return examples.flatMap(({ command, text }) => {
    const lines = command.split("\n").map((line) => `  ${line}`);
    if (text === undefined) return lines;
    const [only] = lines;
    const beside = `${only}    ${text}`;
    return lines.length === 1 && beside.length <= lineLength ? [beside] : [...lines, "", `  ${text}`];
  });
}

function table(rows: readonly Row[], longest = longestLabel): string[] {
  const width = Math.min(longest, Math.max(...rows.map(([label]) => label.length)));
  return rows.flatMap(([label, text]) => {
    const [first = "", ...rest] = wrap(text, lineLength - width - 4);
    const further = rest.map((line) => `${" ".repeat(width + 4)}${line}`);
    if (label.length > width) return [`  ${label}`, `${" ".repeat(width + 4)}${first}`, ...further];
    return [`  ${label.padEnd(width)}  ${first}`, ...further];
  });
}

/** Breaks at spaces only: a value is never cut. */
function wrap(text: string, length: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > length) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function paragraphs(parts: readonly (readonly string[])[]): string {
  const full = parts.filter((lines) => lines.length > 0);
  return `${full.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}
