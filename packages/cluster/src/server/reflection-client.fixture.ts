import { Buffer } from "node:buffer";
import { once } from "node:events";
import {
  create,
  createFileRegistry,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials } from "@grpc/grpc-js";

const asIs = (bytes: Buffer) => bytes;
const infoPath = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/** A client that knows nothing but an address: it asks the server what there is, as grpcurl does. */
export class ReflectionClient {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint, credentials.createInsecure());
  }

  async services(): Promise<string[]> {
    // list_services is field 7; its answer is field 6, a list of {name = 1}.
    const answer = await this.#ask(new BinaryWriter().uint32(0x3a).string("*").finish());
    return fields(fields(answer, 6)[0]!, 1).map((service) => Buffer.from(fields(service, 1)[0]!).toString());
  }

  /** Calls a unary method with JSON, by what the server itself says about its messages. */
  async call(service: string, method: string, body: JsonValue): Promise<JsonObject> {
    // file_containing_symbol is field 4, its answer also: a list of {file_descriptor_proto = 1}.
    const answer = await this.#ask(new BinaryWriter().uint32(0x22).string(service).finish());
    const files = fields(fields(answer, 4)[0]!, 1).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(files) }));
    const described = registry.getService(service)?.methods.find(({ name }) => name === method);
    if (described === undefined) throw new Error(`the server does not describe ${service}/${method}`);
    const request = Buffer.from(toBinary(described.input, fromJson(described.input, body)));
    const response = await new Promise<Buffer>((resolve, reject) => {
      const options = { deadline: Date.now() + 60_000 };
      this.#client.makeUnaryRequest(`/${service}/${method}`, asIs, asIs, request, options, (error, bytes) =>
        error ? reject(error) : resolve(bytes as Buffer),
      );
    });
    return toJson(described.output, fromBinary(described.output, response)) as JsonObject;
  }

  close(): void {
    this.#client.close();
  }

  async #ask(request: Uint8Array): Promise<Uint8Array> {
    const stream = this.#client.makeBidiStreamRequest(infoPath, asIs, asIs);
    stream.write(Buffer.from(request));
    const [answer] = (await once(stream, "data")) as [Buffer];
    stream.end();
    stream.resume();
    await once(stream, "status");
    return answer;
  }
}

/** All values of a length-delimited field. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}

/** Imports first, as a registry wants them. */
function inOrder(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const ordered = new Set<FileDescriptorProto>();
  const visit = (file: FileDescriptorProto) => {
    for (const name of file.dependency) visit(byName.get(name)!);
    ordered.add(file);
  };
  for (const file of files) visit(file);
  return [...ordered];
}
