import { anchorOf, block, code, paragraphs, prose, table } from "../markdown.ts";
import type { Page } from "../page.ts";
import type { WireContract, WireFile, WireMethod, WireService, WireType } from "./contract.ts";

/** A port of a node, as the command's flags describe it. */
export interface PortFact {
  readonly flag: string;
  readonly meaning: string;
  /** Markdown. */
  readonly byDefault: string;
}

/** What the page says beside the contract itself. */
export interface WireFacts {
  readonly ports: readonly PortFact[];
  /** Shell lines that ask for decisions over JSON, from the tested example. */
  readonly jsonExample: string;
}

/** `reference/wire`: services, messages and enums of `quorumguard.v1`, from the .proto files. */
export function wirePage(contract: WireContract, facts: WireFacts): Page {
  const files = inReadingOrder(contract.files);
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
        ["Flag", "What it says", "Default"],
        facts.ports.map(({ flag, meaning, byDefault }) => [code(flag), prose(meaning), byDefault]),
      ),
      "Peers use port 7401 by convention: it stands in the list of members.",
      "## JSON",
      "Over HTTP every method that returns no stream takes a `POST` with a JSON body at the path below. `WatchTopology` is a stream of Connect or gRPC-Web there, and `Session` needs gRPC. Field names are lowerCamelCase (`request_id` is `requestId`); a field that does not exist is refused. 64-bit numbers come as strings, and are taken as strings or as numbers. Enum values are their names, bytes are base64. What is 0, false or empty may be left out of a request; an answer has it.",
      block("sh", facts.jsonExample),
      "These lines are the beginning of `examples/curl-and-grpcurl/with-curl.sh`, which the tests run; it goes on with batches, request ids and errors.",
      ...files.flatMap(({ services }) => services.map((service) => serviceSection(service, known))),
      ...files.filter(({ types }) => types.length > 0).map((file) => fileSection(file, known)),
    ),
  };
}

/** What a caller meets first comes first; a file that is new comes last. */
const readingOrder = [
  "guard_service",
  "decision",
  "error",
  "session",
  "topology",
  "policy_service",
  "admin_service",
  "cluster_service",
];

function inReadingOrder(files: readonly WireFile[]): readonly WireFile[] {
  const placeOf = (file: WireFile) => {
    const place = readingOrder.findIndex((name) => file.name.endsWith(`/${name}.proto`));
    return place < 0 ? readingOrder.length : place;
  };
  return [...files].sort((one, other) => placeOf(one) - placeOf(other));
}

function serviceSection({ name, comment, methods }: WireService, known: ReadonlySet<string>): string {
  return paragraphs(`## ${name}`, prose(comment), ...methods.map((method) => methodSection(method, known)));
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
