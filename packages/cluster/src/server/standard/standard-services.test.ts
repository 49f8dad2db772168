import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { createFileRegistry, type DescService, fromBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { healthService, reflectionServices } from "./standard-services.ts";

const require = createRequire(import.meta.url);
const buf = path.resolve(import.meta.dirname, "../../../../../node_modules/.bin/buf");

/** Packages that carry the .proto files of github.com/grpc/grpc-proto, and where these lie in them. */
const published = {
  health: path.resolve(require.resolve("grpc-health-check"), "../../../proto"),
  reflection: path.resolve(require.resolve("@grpc/reflection"), "../../proto"),
};

/** What a compiler makes of a service's .proto file. */
function compiled(folder: string, file: string, service: string): DescService {
  const flags = ["build", folder, "--path", path.join(folder, file), "-o", "-"];
  const { stdout, stderr, status } = spawnSync(buf, flags, { shell: process.platform === "win32" });
  expect(status, String(stderr)).toBe(0);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout)).getService(service)!;
}

/** All that a client needs to know. Where files lie is each package's own; options are for generators of code. */
function meaning({ file }: DescService): object {
  const { options: _, name: __, ...rest } = toJson(FileDescriptorProtoSchema, file.proto) as Record<string, unknown>;
  const { sourceCodeInfo: ___, ...meant } = rest;
  return meant;
}

const [v1, v1alpha] = reflectionServices;

it.each([
  [healthService, published.health, "health/v1/health.proto"],
  [v1!, published.reflection, "grpc/reflection/v1/reflection.proto"],
  [v1alpha!, published.reflection, "grpc/reflection/v1alpha/reflection.proto"],
])("$typeName is what its published .proto file says", (service, folder, file) => {
  expect(meaning(service)).toEqual(meaning(compiled(folder, file, service.typeName)));
});
