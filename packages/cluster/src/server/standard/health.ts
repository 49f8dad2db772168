import { Buffer } from "node:buffer";
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Server,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import { bytesDefinition } from "../grpc-definition.ts";
import { decodeStandard, noMessage } from "./decode-standard.ts";
import { healthService } from "./standard-services.ts";

/** Numbers of the wire. */
const servingStatus = { serving: 1, notServing: 2, serviceUnknown: 3 } as const;

type Watch = ServerWritableStream<Buffer, Buffer>;

const [{ input: requestSchema, output: responseSchema }, { output: listSchema }] = [
  healthService.method.check!,
  healthService.method.list!,
];

/** What the standard health service answers, for the server as a whole, whose name is empty, and for the named services: all serve, or none. */
export class Health {
  readonly #names: readonly string[];
  readonly #watches = new Map<Watch, string>();
  #serving = false;

  constructor(services: readonly string[]) {
    this.#names = ["", ...services];
  }

  /** Tells everybody who watches. */
  setServing(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const [watch, name] of this.#watches) this.#tell(watch, name);
  }

  /** Adds the service to a server. `mayWatch`: false for a watch too many, which it has ended. */
  addTo(server: Server, mayWatch: (watch: Watch) => boolean): void {
    const Check: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const asked = decodeName(call.request);
      if (asked === null) return callback(noMessage(requestSchema));
      const known = this.#statusOf(asked);
      if (known === null) return callback({ code: status.NOT_FOUND, details: this.#noSuch(asked) });
      callback(null, encode(responseSchema, { status: known }));
    };
    const Watch: handleServerStreamingCall<Buffer, Buffer> = (call) => {
      const asked = decodeName(call.request);
      if (asked === null) return void call.emit("error", noMessage(requestSchema));
      if (!mayWatch(call)) return;
      this.#tell(call, asked);
      this.#watches.set(call, asked);
      for (const event of ["cancelled", "close", "error"]) call.on(event, () => this.#watches.delete(call));
    };
    const List: handleUnaryCall<Buffer, Buffer> = (_call, callback) => {
      const statuses = Object.fromEntries(this.#names.map((name) => [name, { status: this.#statusOf(name)! }]));
      callback(null, encode(listSchema, { statuses }));
    };
    server.addService(bytesDefinition(healthService), { Check, Watch, List });
  }

  #tell(watch: Watch, name: string): void {
    watch.write(encode(responseSchema, { status: this.#statusOf(name) ?? servingStatus.serviceUnknown }));
  }

  /** Null: there is no such service. */
  #statusOf(name: string): number | null {
    if (!this.#names.includes(name)) return null;
    return this.#serving ? servingStatus.serving : servingStatus.notServing;
  }

  #noSuch(name: string): string {
    const names = this.#names.map((known) => JSON.stringify(known)).join(" and ");
    return `there is no service ${JSON.stringify(name.slice(0, 100))} here; there is ${names}`;
  }
}

function decodeName(bytes: Buffer): string | null {
  return decodeStandard<{ readonly service: string }>(requestSchema, bytes)?.service ?? null;
}

function encode(schema: DescMessage, value: object): Buffer {
  return Buffer.from(toBinary(schema, create(schema, value as never)));
}
