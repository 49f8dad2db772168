import { Buffer } from "node:buffer";
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Server, ServiceDefinition } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { AdminService, ClusterService, GuardService, PolicyService } from "@quorumguard/proto";
import { service as healthService } from "grpc-health-check";
import { loadedDescriptors } from "./loaded-descriptors.ts";

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * A service for grpc-js whose messages stay bytes. Handlers decode them, so that malformed ones become INVALID_ARGUMENT
 * rather than the library's INTERNAL, and so that Session's own codec sees the bytes.
 */
export function bytesDefinition(service: DescService): ServiceDefinition {
  const methods = service.methods.map((method) => [
    method.name,
    {
      path: `/${service.typeName}/${method.name}`,
      requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
      responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  ]);
  return Object.fromEntries(methods);
}

/**
 * Lets generic clients ask what there is, so that they need no .proto files. What is listed is what the server serves:
 * our services from the generated code, the standard health service and reflection itself as their packages load them.
 * It is built at start: built for the first one who asks, it would keep a leader from its heartbeats until it lost its office.
 */
export function addReflection(server: Server): void {
  const files = new Map<string, Buffer>();
  for (const service of [GuardService, ClusterService, PolicyService, AdminService]) collectFiles(service.file, files);
  const described = [...files.values(), ...loadedDescriptors(healthService)];
  // Reflection's definitions are to be had only from what it adds to a server, so one is built to be asked for them.
  reflectionOf([]).addToServer({
    addService: (definition) => void described.push(...loadedDescriptors(definition)),
  });
  reflectionOf(described).addToServer(server);
}

function reflectionOf(fileDescriptorProtos: readonly Buffer[]): ReflectionService {
  // The service only looks for the descriptors inside a package definition.
  type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];
  return new ReflectionService({ described: { fileDescriptorProtos } } as unknown as PackageDefinition);
}

/** Files that are imported come before those that import them. */
function collectFiles(file: DescFile, into: Map<string, Buffer>): void {
  if (into.has(file.name)) return;
  for (const dependency of file.dependencies) collectFiles(dependency, into);
  into.set(file.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
}
