import { credentials, Client as GrpcClient, type ServiceError, status } from "@grpc/grpc-js";

/** One kind of unary call by grpc-js, with bytes on both ends. */
export interface GrpcCaller {
  call(request: Uint8Array): Promise<Buffer>;
  close(): void;
}

const deadlineMs = 10_000;
/** Cancelled: nobody here does, but a server whose own clock ends the attempt before ours. */
const passing: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED]);
/** What etcd before 3.5 answers if its own clock ends the attempt before ours: the words of Go's context and no code for them. */
const endedByServersClock = ({ code, details }: ServiceError) =>
  code === status.UNKNOWN && details === "context deadline exceeded";
const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const asIs = (bytes: Buffer) => bytes;

/**
 * Asks the first address, until it is gone or an attempt had no answer: then the next one, within the deadline of the call, as every
 * client of a cluster does.
 *
 * @param attemptMs After so long an attempt is given up that a server took and does not answer. Default: not before the call is.
 */
export function createGrpcCaller(
  endpoints: readonly string[],
  path: string,
  attemptMs: number = deadlineMs,
): GrpcCaller {
  const clients = endpoints.map((endpoint) => new GrpcClient(endpoint, credentials.createInsecure()));
  let preferred = 0;
  const ask = (at: number, request: Uint8Array, deadline: number) =>
    new Promise<Buffer>((resolve, reject) => {
      clients[at]!.makeUnaryRequest(path, asBuffer, asIs, request, { deadline }, (error, reply) => {
        if (error === null) resolve(reply!);
        else reject(error);
      });
    });
  return {
    async call(request) {
      const deadline = Date.now() + deadlineMs;
      for (;;) {
        const at = preferred;
        try {
          return await ask(at, request, Math.min(deadline, Date.now() + attemptMs));
        } catch (error) {
          const failure = error as ServiceError;
          const passes = passing.has(failure.code) || endedByServersClock(failure);
          if (!passes || Date.now() >= deadline) throw error;
          // Of those that hear it at once, the first turns to the next.
          if (preferred === at) preferred = (at + 1) % clients.length;
        }
      }
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}
