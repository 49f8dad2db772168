import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { repositoryRoot } from "../repository.ts";

/** A field of a message. */
export interface WireField {
  readonly name: string;
  readonly number: number;
  /** `uint64`, or a message or enum of the contract by its short name. */
  readonly type: string;
  readonly label: "" | "repeated" | "optional" | "oneof";
  readonly comment: string;
}

/** A message or an enum; an enum's values have no type. */
export interface WireType {
  readonly kind: "message" | "enum";
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly WireField[];
  /** Numbers that are kept free: `3 to 5`. */
  readonly reserved: readonly string[];
}

/** A method of a service. */
export interface WireMethod {
  readonly name: string;
  readonly path: string;
  readonly request: string;
  readonly response: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly comment: string;
}

/** A service. */
export interface WireService {
  readonly name: string;
  readonly comment: string;
  readonly methods: readonly WireMethod[];
}

/** One file of the contract. */
export interface WireFile {
  /** Its path below `packages/proto/proto`. */
  readonly name: string;
  readonly comment: string;
  readonly services: readonly WireService[];
  readonly types: readonly WireType[];
}

/** The wire contract with the comments of its sources. */
export interface WireContract {
  readonly files: readonly WireFile[];
  /** The comment on a value of an enum, by the enum's full name; empty if there is none. */
  enumValueComment(enumName: string, valueName: string): string;
}

/** Compiles the .proto files with the pinned buf and reads what it says of them. */
export async function readWireContract(): Promise<WireContract> {
  const { stdout } = await promisify(execFile)(
    `${repositoryRoot}/node_modules/.bin/buf`,
    ["build", `${repositoryRoot}/packages/proto`, "-o", "-#format=binpb"],
    { encoding: "buffer", maxBuffer: 16 * 1_048_576 },
  );
  return readDescriptors(stdout);
}

/** The contract in a serialized FileDescriptorSet with source information. */
export function readDescriptors(bytes: Uint8Array): WireContract {
  // What the contract imports from protobuf itself is explained there.
  const own = fromBinary(FileDescriptorSetSchema, bytes).file.filter((file) => !file.name.startsWith("google/"));
  const files = own.map(readFile);
  return {
    files,
    enumValueComment(enumName, valueName) {
      const short = enumName.slice(enumName.lastIndexOf(".") + 1);
      const found = files.flatMap((file) => file.types).find((type) => type.kind === "enum" && type.name === short);
      const value = found?.fields.find((field) => field.name === valueName || field.name.endsWith(`_${valueName}`));
      if (value === undefined) throw new Error(`the wire contract has no value ${valueName} in ${enumName}`);
      return value.comment;
    },
  };
}

/** Field numbers of descriptor.proto, by which comments are addressed. */
const at = { syntax: 12, message: 4, enum: 5, service: 6, field: 2, value: 2, method: 2 } as const;

type CommentsAt = (...path: number[]) => string;

function readFile(file: FileDescriptorProto): WireFile {
  const comments = new Map(
    (file.sourceCodeInfo?.location ?? []).map(
      ({ path, leadingComments, leadingDetachedComments, trailingComments }) => [
        path.join("."),
        (leadingComments || leadingDetachedComments.join(" ") || trailingComments || "").replace(/\s+/g, " ").trim(),
      ],
    ),
  );
  const commentAt: CommentsAt = (...path) => comments.get(path.join(".")) ?? "";
  return {
    name: file.name,
    comment: commentAt(at.syntax),
    services: file.service.map(({ name, method }, service) => ({
      name,
      comment: commentAt(at.service, service),
      methods: method.map((one, index) => ({
        name: one.name,
        path: `/${file.package}.${name}/${one.name}`,
        request: shortName(one.inputType),
        response: shortName(one.outputType),
        requestStream: one.clientStreaming,
        responseStream: one.serverStreaming,
        comment: commentAt(at.service, service, at.method, index),
      })),
    })),
    types: inSourceOrder(file, [
      ...file.messageType.map((message, index) => readMessage(message, index, commentAt)),
      ...file.enumType.map((one, index) => readEnum(one, index, commentAt)),
    ]),
  };
}

/** Messages and enums as they follow each other in the file, which is the order of explanation. */
function inSourceOrder(file: FileDescriptorProto, types: readonly WireType[]): readonly WireType[] {
  const lines = new Map(
    (file.sourceCodeInfo?.location ?? [])
      .filter(({ path }) => path.length === 2)
      .map(({ path, span }) => [path.join("."), span[0] ?? 0]),
  );
  const lineOf = (type: WireType) => {
    const index =
      type.kind === "enum"
        ? file.enumType.findIndex(({ name }) => name === type.name)
        : file.messageType.findIndex(({ name }) => name === type.name);
    return lines.get(`${type.kind === "enum" ? at.enum : at.message}.${index}`) ?? 0;
  };
  return [...types].sort((one, other) => lineOf(one) - lineOf(other));
}

function readMessage(message: DescriptorProto, index: number, commentAt: CommentsAt): WireType {
  if (message.nestedType.length > 0 || message.enumType.length > 0) {
    throw new Error(`message ${message.name} has types inside; the reference shows top-level types only`);
  }
  return {
    kind: "message",
    name: message.name,
    comment: commentAt(at.message, index),
    fields: message.field.map((field, position) => ({
      name: field.name,
      number: field.number,
      type: typeName(field),
      label: labelOf(field),
      comment: commentAt(at.message, index, at.field, position),
    })),
    // The end of a message's reserved range is exclusive.
    reserved: message.reservedRange.map(({ start, end }) => rangeText(start, end - 1)),
  };
}

function readEnum(one: EnumDescriptorProto, index: number, commentAt: CommentsAt): WireType {
  return {
    kind: "enum",
    name: one.name,
    comment: commentAt(at.enum, index),
    fields: one.value.map((value, position) => ({
      name: value.name,
      number: value.number,
      type: "",
      label: "",
      comment: commentAt(at.enum, index, at.value, position),
    })),
    reserved: one.reservedRange.map(({ start, end }) => rangeText(start, end)),
  };
}

function rangeText(from: number, to: number): string {
  return from === to ? String(from) : `${from} to ${to}`;
}

function labelOf(field: FieldDescriptorProto): WireField["label"] {
  if (field.label === FieldDescriptorProto_Label.REPEATED) return "repeated";
  if (field.proto3Optional) return "optional";
  // A field that is in no oneof has no index; zero is the first oneof of the message.
  return Object.hasOwn(field, "oneofIndex") ? "oneof" : "";
}

function typeName(field: FieldDescriptorProto): string {
  if (field.typeName !== "") return shortName(field.typeName);
  const [name] = Object.entries(FieldDescriptorProto_Type).find(([, number]) => number === field.type) ?? ["unknown"];
  return name.toLowerCase();
}

function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}
