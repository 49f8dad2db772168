import { Buffer } from "node:buffer";
import { on, once } from "node:events";
import { create, type DescMethod, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Server, ServerCredentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Health } from "./health.ts";
import { addReflection } from "./reflection.ts";
import { healthService, reflectionServices } from "./standard-services.ts";

const health = new Health(["shop.Orders"]);
const server = new Server();
let client: Client;

beforeAll(async () => {
  health.addTo(server, () => true);
  addReflection(server, [healthService]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  server.forceShutdown();
});

const asIs = (bytes: Buffer) => bytes;
const pathOf = ({ parent, name }: DescMethod) => `/${parent.typeName}/${name}`;
const encoded = ({ input }: DescMethod, request: object) =>
  Buffer.from(toBinary(input, create(input, request as never)));
const decoded = ({ output }: DescMethod, bytes: Buffer) => toJson(output, fromBinary(output, bytes));

describe.each(reflectionServices)("$typeName", (service) => {
  const info = service.method.serverReflectionInfo!;

  /** The answer to one question, or the error that ended the stream. */
  async function send(bytes: Buffer): Promise<Buffer> {
    const stream = client.makeBidiStreamRequest(pathOf(info), asIs, asIs);
    stream.write(bytes);
    const [answer] = (await once(stream, "data")) as [Buffer];
    stream.end();
    stream.resume();
    await once(stream, "status");
    return answer;
  }

  const ask = async (question: string, value: unknown) =>
    decoded(info, await send(encoded(info, { host: "h", messageRequest: { case: question, value } })));

  /** Names of the files that are sent. */
  async function files(question: string, value: string): Promise<readonly string[]> {
    const answer = (await ask(question, value)) as { fileDescriptorResponse: { fileDescriptorProto: string[] } };
    return answer.fileDescriptorResponse.fileDescriptorProto.map(
      (bytes) => fromBinary(FileDescriptorProtoSchema, Buffer.from(bytes, "base64")).name,
    );
  }

  it.each([
    "grpc.health.v1.Health",
    "grpc.health.v1.Health.Check",
    "grpc.health.v1.HealthCheckRequest",
    "grpc.health.v1.HealthCheckRequest.service",
    "grpc.health.v1.HealthCheckResponse.ServingStatus",
    "grpc.health.v1.HealthCheckResponse.SERVING",
    ".grpc.health.v1.Health",
  ])("knows the file of %s", async (symbol) => {
    expect(await files("fileContainingSymbol", symbol)).toEqual(["grpc/health/v1/health.proto"]);
  });

  it("knows files by their names, and repeats the question in its answer", async () => {
    const name = "grpc/health/v1/health.proto";
    expect(await files("fileByFilename", name)).toEqual([name]);
    expect(await ask("fileByFilename", name)).toMatchObject({
      validHost: "h",
      originalRequest: { host: "h", fileByFilename: name },
    });
  });

  it.each([
    ["fileContainingSymbol", "shop.Orders", /^there is no symbol "shop\.Orders" here$/],
    ["fileByFilename", "orders.proto", /^there is no file "orders\.proto" here$/],
    ["allExtensionNumbersOfType", "shop.Order", /^no message has extensions here/],
    [
      "fileContainingExtension",
      { containingType: "shop.Order", extensionNumber: 1 },
      /^no message has extensions here/,
    ],
  ])("says NOT_FOUND to %s of what is not there", async (question, value, message) => {
    expect(await ask(question, value)).toMatchObject({
      errorResponse: { errorCode: status.NOT_FOUND, errorMessage: expect.stringMatching(message) },
    });
  });

  it("answers every question of a stream, in their order, also to a client that reads late", async () => {
    const stream = client.makeBidiStreamRequest(pathOf(info), asIs, asIs);
    const symbols = Array.from({ length: 2_000 }, (_, i) => `shop.Order${i}`);
    for (const value of symbols)
      stream.write(encoded(info, { messageRequest: { case: "fileContainingSymbol", value } }));
    stream.end();
    const told: unknown[] = [];
    for await (const [bytes] of on(stream, "data", { close: ["end"] })) {
      told.push((decoded(info, bytes) as { originalRequest: object }).originalRequest);
    }
    expect(told).toEqual(symbols.map((fileContainingSymbol) => ({ fileContainingSymbol })));
  });

  it("refuses bytes that are no request", async () => {
    const error = (await send(Buffer.from("\xff\xff\xff", "latin1")).catch((reason) => reason)) as ServiceError;
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: `the request is not a ${info.input.typeName}`,
    });
  });
});

describe("grpc.health.v1.Health", () => {
  const { check, watch } = healthService.method as { check: DescMethod; watch: DescMethod };
  const watching = (service: string) =>
    client.makeServerStreamRequest(pathOf(watch), asIs, asIs, encoded(watch, { service }));

  function ask(bytes: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(pathOf(check), asIs, asIs, bytes, (error, answer) =>
        error ? reject(error) : resolve(decoded(check, answer!)),
      );
    });
  }

  it("tells those who watch of each change, once", async () => {
    const stream = watching("shop.Orders");
    const told = on(stream, "data");
    const next = async () => decoded(watch, (await told.next()).value?.[0]);
    expect(await next()).toEqual({ status: "NOT_SERVING" });
    for (const serving of [true, true, false]) health.setServing(serving);
    expect([await next(), await next()]).toEqual([{ status: "SERVING" }, { status: "NOT_SERVING" }]);
    expect(await ask(encoded(check, { service: "shop.Orders" }))).toEqual({ status: "NOT_SERVING" });
    const cancelled = once(stream, "error");
    stream.cancel();
    await told.return?.();
    await cancelled;
  });

  it("knows no other service", async () => {
    const stream = watching("shop.Carts");
    const [answer] = (await once(stream, "data")) as [Buffer];
    expect(decoded(watch, answer)).toEqual({ status: "SERVICE_UNKNOWN" });
    const cancelled = once(stream, "error");
    stream.cancel();
    await cancelled;
    await expect(ask(encoded(check, { service: "shop.Carts" }))).rejects.toMatchObject({
      code: status.NOT_FOUND,
      details: 'there is no service "shop.Carts" here; there is "" and "shop.Orders"',
    });
  });

  it("refuses bytes that are no request", async () => {
    const garbage = Buffer.from("\xff\xff\xff", "latin1");
    const refusal = { code: status.INVALID_ARGUMENT, details: `the request is not a ${check.input.typeName}` };
    await expect(ask(garbage)).rejects.toMatchObject(refusal);
    const stream = client.makeServerStreamRequest(pathOf(watch), asIs, asIs, garbage).resume();
    const [error] = await once(stream, "error");
    expect(error).toMatchObject(refusal);
  });
});
