import { anchorOf, block, code, paragraphs, prose, table } from "../markdown.ts";
import type { Page } from "../page.ts";
import type { WireContract, WireFile, WireMethod, WireService, WireType } from "./contract.ts";

/** A port of a node, as its defaults say. */
export interface PortFact {
  readonly port: string;
  readonly flag: string;
  readonly speaks: string;
}

/** What the page says beside the contract itself. */
export interface WireFacts {
  readonly ports: readonly PortFact[];
  /** A command that asks for one decision over JSON, as the code or a tested example has it. */
  readonly jsonExample: string;
}

/** `reference/wire`: services, messages and enums of `quorumguard.v1`, from the .proto files. */
export function wirePage(contract: WireContract, facts: WireFacts): Page {
  const known = new Set(contract.files.flatMap((file) => file.types.map((type) => type.name)));
  return {
    path: "reference/wire",
    title: "Wire contract",
    description: "Services, methods, messages and enums of quorumguard.v1, with the ports and the mapping to JSON.",
    order: 7,
    body: paragraphs(
      "Package `quorumguard.v1`, in `packages/proto/proto`. Nothing is published yet, and the contract may still change; field numbers are never reused.",
      "## Ports",
      table(
        ["Port", "Flag", "Speaks"],
        facts.ports.map(({ port, flag, speaks }) => [code(port), code(flag), prose(speaks)]),
      ),
      "## JSON",
      "Over HTTP every unary method takes a `POST` with a JSON body at the path below. Field names are lowerCamelCase (`request_id` is `requestId`), 64-bit numbers are strings, bytes are base64, enum values are their names, and a field with its default value may be left out.",
      block("sh", facts.jsonExample),
      ...contract.files.flatMap(({ services }) => services.map((service) => serviceSection(service, known))),
      ...contract.files.filter(({ types }) => types.length > 0).map((file) => fileSection(file, known)),
    ),
  };
}

function serviceSection({ name, comment, methods }: WireService, known: ReadonlySet<string>): string {
  return paragraphs(
    `## ${name}`,
    prose(comment),
    ...methods.map((method) => methodSection(method, known)),
  );
}

function methodSection(method: WireMethod, known: ReadonlySet<string>): string {
  const side = (name: string, stream: boolean) => `${stream ? "a stream of " : ""}${typeLink(name, known)}`;
  return paragraphs(
    `### ${method.name}`,
    prose(method.comment),
    [
      `- Path: ${code(method.path)}`,
      `- Takes ${side(method.request, method.requestStream)}, returns ${side(method.response, method.responseStream)}.`,
    ].join("\n"),
  );
}

function fileSection({ name, comment, types }: WireFile, known: ReadonlySet<string>): string {
  const title = (name.split("/").at(-1) ?? name).replace(/\.proto$/, "").replaceAll("_", " ");
  return paragraphs(
    `## Types: ${title}`,
    prose(comment),
    `From ${code(name)}.`,
    ...types.map((type) => typeSection(type, known)),
  );
}

function typeSection(type: WireType, known: ReadonlySet<string>): string {
  const isEnum = type.kind === "enum";
  const rows = type.fields.map((field) => [
    code(field.name),
    String(field.number),
    isEnum ? "" : `${field.label === "" ? "" : `${field.label} `}${typeLink(field.type, known)}`,
    prose(field.comment),
  ]);
  return paragraphs(
    `### ${type.name}`,
    prose(type.comment),
    rows.length === 0 ? "It has no fields." : table([isEnum ? "Value" : "Field", "Number", "Type", "Meaning"], rows),
    type.reserved.length === 0 ? "" : `Kept free: ${type.reserved.join(", ")}.`,
  );
}

function typeLink(name: string, known: ReadonlySet<string>): string {
  return known.has(name) ? `[${code(name)}](#${anchorOf(name)})` : code(name);
}
