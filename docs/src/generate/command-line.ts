import type { CommandSpec, ExampleSpec, FlagSpec } from "../../../packages/cluster/src/cli/command-spec.ts";
import { block, code, grouped, paragraphs, prose, table } from "./markdown.ts";
import type { Page } from "./page.ts";

/** The program as its own table of commands describes it. */
export interface ProgramSpec {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  readonly commands: readonly CommandSpec[];
}

/** `reference/command-line`: every command with its operands, flags, examples and exit statuses. */
export function commandLinePage({ name, summary, flags, commands }: ProgramSpec): Page {
  return {
    path: "reference/command-line",
    title: "Command line",
    description: `Every command of ${name}, with flags, defaults, examples and exit statuses.`,
    order: 4,
    body: paragraphs(
      `${code(name)}: ${prose(summary)}. The package ${code("@quorumguard/cluster")} has it; in a clone of the repository, ${code(`npm run ${name} -- COMMAND`)} runs it.`,
      table(
        ["Command", "What it does"],
        commands.map((command) => [
          `[${code(`${name} ${command.name}`)}](#${name}-${command.name.replaceAll(" ", "-")})`,
          prose(command.summary),
        ]),
      ),
      `Without a command, ${flags.map((flag) => `${code(`--${flag.name}`)} shows ${prose(textOf(flag))}`).join(" and ")}.`,
      ...commands.map((command) => commandSection(name, command)),
    ),
  };
}

function commandSection(program: string, { name, summary, ...command }: CommandSpec): string {
  return paragraphs(
    `## ${program} ${name}`,
    `${sentence(summary)}`,
    ...command.examples.map(example),
    command.operands.length === 0
      ? ""
      : table(
          ["Operand", "What it is"],
          command.operands.map((operand) => [code(operand.name), prose(operand.text)]),
        ),
    table(["Flag", "What it is for", "Default"], command.flags.map(flagRow)),
    ...command.notes.map(prose),
    table(
      ["Exit status", "When"],
      command.exitStatuses.map(({ status, text }) => [String(status), prose(text)]),
    ),
  );
}

function example({ command, text }: ExampleSpec): string {
  return paragraphs(text === undefined ? "" : `${sentence(text)}`.replace(/\.$/, ":"), block("sh", command));
}

function flagRow(flag: FlagSpec): readonly string[] {
  const names = [
    // The value apart, so that a narrow column breaks between the two and nowhere else.
    `${code(`--${flag.name}`)}${flag.value === undefined ? "" : ` ${code(flag.value)}`}`,
    ...(flag.short === undefined ? [] : [code(`-${flag.short}`)]),
  ];
  const facts = [
    prose(textOf(flag)),
    ...(flag.bounds === undefined || flag.bounds.every((bound) => flag.text.includes(String(bound)))
      ? []
      : [`${grouped(flag.bounds[0])} to ${grouped(flag.bounds[1])}`]),
    ...(flag.repeatable === true && !flag.text.includes("any number of times") ? ["any number of times"] : []),
  ];
  return [names.join(", "), facts.join("; "), flagDefault(flag)];
}

/** Help speaks of itself as "this text", which it is not on this page. */
function textOf(flag: FlagSpec): string {
  return flag.name === "help" ? "the help text" : flag.text;
}

/** What counts if the flag is not given. */
export function flagDefault(flag: FlagSpec): string {
  if (flag.required === true) return "required";
  if (flag.value === undefined) return "off";
  const fixed = flag.default === undefined ? flag.otherwise : code(String(flag.default));
  const last = fixed === undefined ? "none" : flag.default === undefined ? prose(fixed) : fixed;
  const { environment, found } = flag;
  const places = [
    ...(environment === undefined ? [] : [code(`$${environment}`)]),
    ...(found === undefined ? [] : [prose(found.what)]),
  ];
  return [...places, last].join(", else ");
}

function sentence(text: string): string {
  const written = prose(text);
  return `${written[0]?.toUpperCase()}${written.slice(1)}.`;
}
