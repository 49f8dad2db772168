import { create, createFileRegistry, type DescService, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type EnumDescriptorProtoSchema as EnumProto,
  type FieldDescriptorProtoSchema as FieldProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  type DescriptorProtoSchema as MessageProto,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/**
 * The standard services of gRPC, as the .proto files of github.com/grpc/grpc-proto define them. Their descriptors are written here:
 * libraries read the files at every start, with a parser and a compiler of messages of their own, for a sixth of what a start costs.
 */

type FieldInit = MessageInitShape<typeof FieldProto>;
type MessageInit = MessageInitShape<typeof MessageProto>;
type EnumInit = MessageInitShape<typeof EnumProto>;

interface FileInit {
  readonly name: string;
  readonly package: string;
  readonly messageType: readonly MessageInit[];
  readonly service: readonly { readonly name: string; readonly method: readonly object[] }[];
}

const file = (init: FileInit) => create(FileDescriptorProtoSchema, { ...init, syntax: "proto3" } as never);

function field(number: number, name: string, type: Type, more: FieldInit = {}): FieldInit {
  const jsonName = name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return { number, name, jsonName, type, label: Label.OPTIONAL, ...more };
}

const text = (number: number, name: string, more?: FieldInit) => field(number, name, Type.STRING, more);
const integer = (number: number, name: string, more?: FieldInit) => field(number, name, Type.INT32, more);
const nested = (number: number, name: string, typeName: string, more?: FieldInit) =>
  field(number, name, Type.MESSAGE, { typeName, ...more });
const repeated: FieldInit = { label: Label.REPEATED };
const chosen: FieldInit = { oneofIndex: 0 };

const servingStatus: EnumInit = {
  name: "ServingStatus",
  value: ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"].map((name, number) => ({ name, number })),
};

function healthFile() {
  const scope = ".grpc.health.v1";
  const request = `${scope}.HealthCheckRequest`;
  const response = `${scope}.HealthCheckResponse`;
  const status = field(1, "status", Type.ENUM, { typeName: `${response}.ServingStatus` });
  const entry: MessageInit = {
    name: "StatusesEntry",
    field: [text(1, "key"), nested(2, "value", response)],
    options: { mapEntry: true },
  };
  const statuses = nested(1, "statuses", `${scope}.HealthListResponse.StatusesEntry`, repeated);
  return file({
    name: "grpc/health/v1/health.proto",
    package: "grpc.health.v1",
    messageType: [
      { name: "HealthListRequest" },
      { name: "HealthListResponse", field: [statuses], nestedType: [entry] },
      { name: "HealthCheckRequest", field: [text(1, "service")] },
      { name: "HealthCheckResponse", field: [status], enumType: [servingStatus] },
    ],
    service: [
      {
        name: "Health",
        method: [
          { name: "Check", inputType: request, outputType: response },
          { name: "Watch", inputType: request, outputType: response, serverStreaming: true },
          { name: "List", inputType: `${scope}.HealthListRequest`, outputType: `${scope}.HealthListResponse` },
        ],
      },
    ],
  });
}

/** `v1` and `v1alpha` are the same but for their name. */
function reflectionFile(version: string) {
  const scope = `.grpc.reflection.${version}`;
  const request: MessageInit = {
    name: "ServerReflectionRequest",
    field: [
      text(1, "host"),
      text(3, "file_by_filename", chosen),
      text(4, "file_containing_symbol", chosen),
      nested(5, "file_containing_extension", `${scope}.ExtensionRequest`, chosen),
      text(6, "all_extension_numbers_of_type", chosen),
      text(7, "list_services", chosen),
    ],
    oneofDecl: [{ name: "message_request" }],
  };
  const response: MessageInit = {
    name: "ServerReflectionResponse",
    field: [
      text(1, "valid_host"),
      nested(2, "original_request", `${scope}.ServerReflectionRequest`),
      nested(4, "file_descriptor_response", `${scope}.FileDescriptorResponse`, chosen),
      nested(5, "all_extension_numbers_response", `${scope}.ExtensionNumberResponse`, chosen),
      nested(6, "list_services_response", `${scope}.ListServiceResponse`, chosen),
      nested(7, "error_response", `${scope}.ErrorResponse`, chosen),
    ],
    oneofDecl: [{ name: "message_response" }],
  };
  return file({
    name: `grpc/reflection/${version}/reflection.proto`,
    package: `grpc.reflection.${version}`,
    messageType: [
      request,
      { name: "ExtensionRequest", field: [text(1, "containing_type"), integer(2, "extension_number")] },
      response,
      { name: "FileDescriptorResponse", field: [field(1, "file_descriptor_proto", Type.BYTES, repeated)] },
      {
        name: "ExtensionNumberResponse",
        field: [text(1, "base_type_name"), integer(2, "extension_number", repeated)],
      },
      { name: "ListServiceResponse", field: [nested(1, "service", `${scope}.ServiceResponse`, repeated)] },
      { name: "ServiceResponse", field: [text(1, "name")] },
      { name: "ErrorResponse", field: [integer(1, "error_code"), text(2, "error_message")] },
    ],
    service: [
      {
        name: "ServerReflection",
        method: [
          {
            name: "ServerReflectionInfo",
            inputType: `${scope}.ServerReflectionRequest`,
            outputType: `${scope}.ServerReflectionResponse`,
            clientStreaming: true,
            serverStreaming: true,
          },
        ],
      },
    ],
  });
}

const registry = createFileRegistry(
  create(FileDescriptorSetSchema, { file: [healthFile(), reflectionFile("v1"), reflectionFile("v1alpha")] }),
);

const service = (name: string): DescService => registry.getService(name)!;

/** `grpc.health.v1.Health`. */
export const healthService: DescService = service("grpc.health.v1.Health");

/** `grpc.reflection.v1.ServerReflection`, and the same by its older name, which some clients still ask for. */
export const reflectionServices: readonly DescService[] = [
  service("grpc.reflection.v1.ServerReflection"),
  service("grpc.reflection.v1alpha.ServerReflection"),
];
