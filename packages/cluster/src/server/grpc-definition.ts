import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { handleBidiStreamingCall, MethodDefinition, Server, ServiceDefinition } from "@grpc/grpc-js";
import type { ReflectionService } from "@grpc/reflection";
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

const reflectionMethods = ["v1", "v1alpha"].map(
  (version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
);

/**
 * Lets generic clients ask what there is, so that they need no .proto files. What answers them takes longer to load and to build than
 * a node's own services together, and most nodes are never asked: that is done when the first one asks, at once.
 */
export function addReflection(server: Server): void {
  let built: ReturnType<typeof buildReflection> | null = null;
  const methodAt = (path: string): ReflectionMethod => {
    built ??= buildReflection();
    return built.get(path)!;
  };
  for (const path of reflectionMethods) {
    const definition: ReflectionMethod["definition"] = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (message) => methodAt(path).definition.requestSerialize(message),
      requestDeserialize: (bytes) => methodAt(path).definition.requestDeserialize(bytes),
      responseSerialize: (message) => methodAt(path).definition.responseSerialize(message),
      responseDeserialize: (bytes) => methodAt(path).definition.responseDeserialize(bytes),
    };
    server.addService(
      { ServerReflectionInfo: definition },
      { ServerReflectionInfo: (call: Parameters<ReflectionMethod["handle"]>[0]) => methodAt(path).handle(call) },
    );
  }
}

interface ReflectionMethod {
  readonly definition: MethodDefinition<object, object>;
  readonly handle: handleBidiStreamingCall<object, object>;
}

/**
 * What answers at each path. What is listed is what the server serves: our services from the generated code, the standard health
 * service and reflection itself as their packages load them.
 */
function buildReflection(): ReadonlyMap<string, ReflectionMethod> {
  const files = new Map<string, Buffer>();
  for (const service of [GuardService, ClusterService, PolicyService, AdminService]) collectFiles(service.file, files);
  const described = [...files.values(), ...loadedDescriptors(healthService)];
  // Reflection's definitions are to be had only from what it adds to a server, so one is built to be asked for them.
  reflectionOf([]).addToServer({
    addService: (definition) => void described.push(...loadedDescriptors(definition)),
  });
  const methods = new Map<string, ReflectionMethod>();
  reflectionOf(described).addToServer({
    addService(service, { ServerReflectionInfo: handle }) {
      const definition = service.ServerReflectionInfo as ReflectionMethod["definition"];
      methods.set(definition.path, { definition, handle: handle as ReflectionMethod["handle"] });
    },
  });
  return methods;
}

function reflectionOf(fileDescriptorProtos: readonly Buffer[]): ReflectionService {
  const { ReflectionService } = createRequire(import.meta.url)("@grpc/reflection") as typeof import("@grpc/reflection");
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
