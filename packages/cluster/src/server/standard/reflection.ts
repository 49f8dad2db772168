import { Buffer } from "node:buffer";
import { create, type DescFile, type DescMessage, type DescService, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type handleBidiStreamingCall, type Server, status } from "@grpc/grpc-js";
import { bytesDefinition } from "../grpc-definition.ts";
import { decodeStandard, noMessage } from "./decode-standard.ts";
import { reflectionServices } from "./standard-services.ts";

/** What a client asks, as the descriptor names it. */
interface Request {
  readonly host: string;
  readonly messageRequest:
    | { readonly case: "fileByFilename" | "fileContainingSymbol"; readonly value: string }
    | { readonly case: "allExtensionNumbersOfType" | "listServices"; readonly value: string }
    | { readonly case: "fileContainingExtension"; readonly value: { readonly containingType: string } }
    | { readonly case: undefined };
}

/** One of what an answer may hold. */
interface Answer {
  readonly case: string;
  readonly value: object;
}

/**
 * Lets generic clients ask what there is, so that they need no .proto files: these services, and reflection itself. What can be asked for
 * is written out at start, since whoever asks keeps a leader from its heartbeats.
 */
export function addReflection(server: Server, services: readonly DescService[]): void {
  const described = new DescribedServices([...services, ...reflectionServices]);
  for (const service of reflectionServices) {
    const { input, output } = service.method.serverReflectionInfo!;
    const ServerReflectionInfo: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
      call.on("data", (bytes: Buffer) => {
        const request = decodeStandard<Request>(input, bytes);
        if (request === null) return void call.emit("error", noMessage(input));
        const more = call.write(encodeAnswer(output, request, described.answer(request.messageRequest)));
        // Who asks and does not read is not asked for more.
        if (more) return;
        call.pause();
        call.once("drain", () => call.resume());
      });
      call.on("end", () => call.end());
    };
    server.addService(bytesDefinition(service), { ServerReflectionInfo });
  }
}

function encodeAnswer(output: DescMessage, request: Request, messageResponse: Answer): Buffer {
  const answer = { validHost: request.host, originalRequest: request, messageResponse };
  return Buffer.from(toBinary(output, create(output, answer as never)));
}

/** Services, and the files that describe them. */
class DescribedServices {
  readonly #services: readonly DescService[];
  readonly #encoded = new Map<DescFile, Buffer>();
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();

  constructor(services: readonly DescService[]) {
    this.#services = services;
    for (const { file } of services) for (const each of withImports(file)) this.#add(each);
  }

  answer(asked: Request["messageRequest"]): Answer {
    switch (asked.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: this.#services.map(({ typeName: name }) => ({ name })) },
        };
      case "fileByFilename":
        return this.#describe(this.#files.get(asked.value), `file ${quoted(asked.value)}`);
      case "fileContainingSymbol":
        return this.#describe(this.#symbols.get(asked.value.replace(/^\./, "")), `symbol ${quoted(asked.value)}`);
      case "fileContainingExtension":
        return refused(
          status.NOT_FOUND,
          `no message has extensions here, ${quoted(asked.value.containingType)} neither`,
        );
      case "allExtensionNumbersOfType":
        return refused(status.NOT_FOUND, `no message has extensions here, ${quoted(asked.value)} neither`);
      default:
        return refused(status.UNIMPLEMENTED, "the request asks for nothing that is known here");
    }
  }

  #describe(file: DescFile | undefined, what: string): Answer {
    if (file === undefined) return refused(status.NOT_FOUND, `there is no ${what} here`);
    const files = withImports(file).reverse();
    return {
      case: "fileDescriptorResponse",
      value: { fileDescriptorProto: files.map((each) => this.#encoded.get(each)!) },
    };
  }

  #add(file: DescFile): void {
    if (this.#encoded.has(file)) return;
    this.#encoded.set(file, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
    this.#files.set(file.proto.name, file);
    for (const name of symbolsOf(file)) this.#symbols.set(name, file);
  }
}

function refused(errorCode: status, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

const quoted = (name: string) => JSON.stringify(name.slice(0, 100));

/** The file after all that it imports. */
function withImports(file: DescFile): DescFile[] {
  const found = new Set<DescFile>();
  const visit = (each: DescFile) => {
    if (found.has(each)) return;
    for (const dependency of each.dependencies) visit(dependency);
    found.add(each);
  };
  visit(file);
  return [...found];
}

/** Names in full of all that a file declares. */
function* symbolsOf(file: DescFile): Iterable<string> {
  for (const type of nestedTypes(file)) {
    yield type.typeName;
    if (type.kind === "service") for (const { name } of type.methods) yield `${type.typeName}.${name}`;
    if (type.kind === "message") for (const { name } of type.members) yield `${type.typeName}.${name}`;
    // The values of an enum lie beside it, not in it.
    const scope = type.typeName.slice(0, type.typeName.lastIndexOf(".") + 1);
    if (type.kind === "enum") for (const { name } of type.values) yield `${scope}${name}`;
  }
}
