import { Buffer } from "node:buffer";
import { clearField, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** What a service definition holds if a .proto file was loaded for it, as libraries of gRPC do. */
interface LoadedMethod {
  readonly requestType: { readonly fileDescriptorProtos: readonly Buffer[] };
}

/**
 * The descriptors that the messages of a loaded service carry, without repetitions, as protoc would have made them. Their
 * loader is content with less, and clients of reflection are not: names of types in full and only where there is a type,
 * JSON names, and the names of map entries.
 */
export function loadedDescriptors(definition: object): readonly Buffer[] {
  const files = new Map<string, Buffer>();
  for (const { requestType } of Object.values(definition) as LoadedMethod[]) {
    for (const bytes of requestType.fileDescriptorProtos) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      if (files.has(file.name)) continue;
      mendFile(file);
      files.set(file.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
    }
  }
  return [...files.values()];
}

function mendFile(file: FileDescriptorProto): void {
  const scope = `.${file.package}`;
  const names = new Map(file.enumType.map(({ name }) => [`${scope}.${name}`, `${scope}.${name}`]));
  for (const message of file.messageType) nameMessage(message, scope, scope, names);
  for (const message of file.messageType) mendFields(message, scope, names);
  for (const { method } of file.service) {
    for (const each of method) {
      each.inputType = fullName(each.inputType, scope, names);
      each.outputType = fullName(each.outputType, scope, names);
    }
  }
}

/** Fills `names` with what the loader calls each type, in full, and what it is called from now on. */
function nameMessage(message: DescriptorProto, loadedScope: string, scope: string, names: Map<string, string>): void {
  const loaded = `${loadedScope}.${message.name}`;
  if (message.options?.mapEntry && !message.name.endsWith("Entry")) message.name += "Entry";
  const own = `${scope}.${message.name}`;
  names.set(loaded, own);
  for (const { name } of message.enumType) names.set(`${loaded}.${name}`, `${own}.${name}`);
  for (const nested of message.nestedType) nameMessage(nested, loaded, own, names);
}

function mendFields(message: DescriptorProto, scope: string, names: ReadonlyMap<string, string>): void {
  const own = `${scope}.${message.name}`;
  for (const field of message.field) {
    if (field.typeName === "") clearField(field, FieldDescriptorProtoSchema.field.typeName);
    else field.typeName = fullName(field.typeName, own, names);
    field.jsonName = field.name.replaceAll(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
  }
  for (const nested of message.nestedType) mendFields(nested, own, names);
}

/** As protobuf looks names up: in the innermost scope first. A name that is full stays. */
function fullName(name: string, scope: string, names: ReadonlyMap<string, string>): string {
  if (name.startsWith(".")) return name;
  for (let around = scope; around !== ""; around = around.slice(0, around.lastIndexOf("."))) {
    const found = names.get(`${around}.${name}`);
    if (found !== undefined) return found;
  }
  return `.${name}`;
}
