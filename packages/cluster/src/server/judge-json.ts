import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { halfPair } from "./check-text.ts";
import { fieldBounds, wholeBound } from "./field-bounds.ts";
import { InvalidField, shown } from "./invalid-field.ts";

/** Deeper than any message of the contract; a stranger's nesting must not become our stack. */
const maxDepth = 16;

const simplestCall = '{"check":{"key":"user:1","rule":{"limit":5,"windowUs":"60000000"}}}';

/** Bounds that are narrower than the field's type, and so the ones to name. */
const narrowerBounds: ReadonlyMap<string, string> = new Map([
  ["quorumguard.v1.Rule.limit", fieldBounds.limit],
  ["quorumguard.v1.Rule.burst", fieldBounds.burst],
  ["quorumguard.v1.Rule.window_us", fieldBounds.windowUs],
  ["quorumguard.v1.Check.cost", fieldBounds.cost],
  ["quorumguard.v1.ReserveRequest.ttl_ms", fieldBounds.ttlMs],
  ["quorumguard.v1.CommitRequest.handle", fieldBounds.handle],
  ["quorumguard.v1.CommitRequest.actual_cost", fieldBounds.actualCost],
  ["quorumguard.v1.CancelRequest.handle", fieldBounds.handle],
]);

/**
 * Reads the JSON body of a call and holds it to the shape of `message`, before a decoder does that in words that name
 * neither field nor bound. What passes can be decoded; whether a value makes sense is for the call to judge.
 *
 * @throws {InvalidField} naming field, value, and what to write instead.
 */
export function readJsonBody(message: DescMessage, body: string): object {
  const value = parseBody(body);
  checkMessage(message, value, "", 0);
  return value as object;
}

function parseBody(body: string): unknown {
  const example = `send an object as JSON, such as ${simplestCall}`;
  if (body.trim() === "") throw new InvalidField("the body", shown("empty"), example);
  try {
    return JSON.parse(body);
  } catch (error) {
    const problem = (error as Error).message.slice(0, 200);
    throw new InvalidField("the body", shown("not JSON"), `${problem}; ${example}`);
  }
}

function checkMessage(message: DescMessage, value: unknown, path: string, depth: number): void {
  if (message.typeName === "google.protobuf.Struct") {
    checkObject(value, path, depth);
    return;
  }
  const field = path === "" ? "the body" : path;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const members = message.fields.map((each) => each.jsonName).join(", ");
    throw new InvalidField(field, printed(value), `it must be an object, with any of: ${members || "nothing"}`);
  }
  if (depth > maxDepth) throw new InvalidField(field, shown("nested too deeply"), `at most ${maxDepth} levels`);
  const fields = new Map(
    message.fields.flatMap((each) => [[each.jsonName, each] as const, [each.name, each] as const]),
  );
  for (const [name, member] of Object.entries(value)) {
    const known = fields.get(name);
    const memberPath = path === "" ? (known?.name ?? name) : `${path}.${known?.name ?? name}`;
    if (known === undefined) throw unknownMember(message, memberPath);
    // As everywhere in JSON of protobuf, null stands for the default.
    if (member !== null) checkField(known, member, memberPath, depth);
  }
}

/** An object of whatever a document may hold: what it means is for the call to judge. */
function checkObject(value: unknown, path: string, depth: number): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidField(path, printed(value), "it must be an object: { … }");
  }
  checkNesting(value, path, depth);
}

function checkNesting(value: unknown, path: string, depth: number): void {
  if (depth > maxDepth) throw new InvalidField(path, shown("nested too deeply"), `at most ${maxDepth} levels`);
  if (typeof value === "string" && halfPair.test(value)) {
    throw new InvalidField(path, value, "it must be well-formed Unicode");
  }
  if (typeof value !== "object" || value === null) return;
  for (const member of Object.values(value)) checkNesting(member, path, depth + 1);
}

function unknownMember(message: DescMessage, path: string): InvalidField {
  const members = message.fields.map((each) => each.jsonName).join(", ");
  const remedy = members === "" ? "this message has no fields: send {}" : `here is room for: ${members}`;
  // A stranger chose the name; no more of it comes back than of a value.
  const name = path.length > 96 ? `${path.slice(0, 96)}…` : path;
  return new InvalidField(name, shown("not a field"), remedy);
}

function checkField(field: DescField, value: unknown, path: string, depth: number): void {
  switch (field.fieldKind) {
    case "message":
      checkMessage(field.message, value, path, depth + 1);
      return;
    case "enum":
      checkEnum(field.enum, value, path);
      return;
    case "scalar":
      checkScalar(field, field.scalar, value, path);
      return;
    case "list":
      checkList(field, value, path, depth);
      return;
    case "map":
      // The contract has none that a caller sends; the decoder judges it.
      return;
  }
}

function checkList(field: DescField & { fieldKind: "list" }, value: unknown, path: string, depth: number): void {
  if (!Array.isArray(value)) throw new InvalidField(path, printed(value), "it must be a list: [ … ]");
  for (const [at, item] of value.entries()) {
    const itemPath = `${path}[${at}]`;
    if (field.listKind === "message") checkMessage(field.message, item, itemPath, depth + 1);
    else if (field.listKind === "enum") checkEnum(field.enum, item, itemPath);
    else checkScalar(field, field.scalar, item, itemPath);
  }
}

function checkEnum(type: DescEnum, value: unknown, path: string): void {
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 2 ** 31 - 1) return;
  if (typeof value === "string" && type.values.some((each) => each.name === value)) return;
  const names = type.values.filter((each) => each.number !== 0).map((each) => each.name);
  throw new InvalidField(path, printed(value), `it must be one of ${names.join(", ")}, or left out`);
}

function checkScalar(field: DescField, type: ScalarType, value: unknown, path: string): void {
  switch (type) {
    case ScalarType.STRING:
      if (typeof value !== "string") throw new InvalidField(path, printed(value), "it must be a string");
      if (halfPair.test(value)) throw new InvalidField(path, value, "it must be well-formed Unicode");
      return;
    case ScalarType.BOOL:
      if (typeof value !== "boolean") throw new InvalidField(path, printed(value), "it must be true or false");
      return;
    case ScalarType.BYTES:
      if (typeof value === "string" && /^[\w+/-]*={0,2}$/.test(value)) return;
      throw new InvalidField(path, printed(value), "it must be bytes as a string in base64");
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      // The contract has none that a caller sends; the decoder judges it.
      return;
    default:
      checkWhole(field, integerBounds(type), value, path);
      return;
  }
}

type Bounds = readonly [low: bigint, high: bigint];

function integerBounds(type: ScalarType): Bounds {
  switch (type) {
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return [0n, 2n ** 32n - 1n];
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return [0n, 2n ** 64n - 1n];
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return [-(2n ** 63n), 2n ** 63n - 1n];
    default:
      return [-(2n ** 31n), 2n ** 31n - 1n];
  }
}

/** Numbers of 64 bits are written as strings, since JSON's readers round them; both forms are taken for all. */
function checkWhole(field: DescField, [low, high]: Bounds, value: unknown, path: string): void {
  const whole = wholeOf(value);
  if (whole !== null && whole >= low && whole <= high) return;
  const bound = narrowerBounds.get(`${field.parent.typeName}.${field.name}`) ?? wholeBound(low, high);
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new InvalidField(path, value, `${bound}; write a number above 2^53 as a string`);
  }
  throw new InvalidField(path, printed(value), bound);
}

function wholeOf(value: unknown): bigint | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === "string" && /^-?\d{1,20}$/.test(value) ? BigInt(value) : null;
}

/** Numbers and strings as they are; of anything else its kind, since a stranger's object may be large. */
function printed(value: unknown): unknown {
  if (Array.isArray(value)) return shown("a list");
  return typeof value === "object" && value !== null ? shown("an object") : value;
}
