import { type Metadata, ServerInterceptingCall, type ServerInterceptor, type StatusObject } from "@grpc/grpc-js";
import { boundOpen, watchArrival } from "./grpc-arrival.ts";
import { certificateName } from "./tls-material.ts";
import { type AccessGate, type Caller, openCaller } from "./tokens/access-gate.ts";
import { isForVisitors } from "./tokens/grant.ts";
import { methodAccess } from "./tokens/method-access.ts";
import { callsOfBytes } from "./tokens/token-usage.ts";

/** As much of a call as tells who makes it. */
interface GrpcCall {
  readonly metadata: Metadata;
  getAuthContext(): { readonly sslPeerCertificate?: Parameters<typeof certificateName>[0] };
}

/** How a gRPC listener lets calls in. */
export interface GrpcAccess {
  /** Stops what the gate refuses, before a byte of the request is read; all services pass here, those of libraries included. */
  readonly interceptors: ServerInterceptor[];
  /** Who makes a call that has come through. */
  callerOf(call: GrpcCall): Caller;
}

/** Puts the gate in front of a gRPC listener; null: there is none. `asStatus` turns what went wrong into the call's end. */
export function grpcAccess(gate: AccessGate | null, asStatus: (error: unknown) => StatusObject): GrpcAccess {
  if (gate === null) return { interceptors: [], callerOf: (call) => openCaller(certificateOf(call)) };
  // The metadata is what the interceptor and the handler both see of a call.
  const callers = new WeakMap<Metadata, Caller>();
  const interceptor: ServerInterceptor = ({ path }, call) => {
    let arrived = (): void => {};
    const watch = (metadata: Metadata, admitted: Caller): void => {
      let caller = admitted;
      callers.set(metadata, caller);
      const pay = (bytes: number): void => {
        caller = gate.spend(caller, callsOfBytes(bytes));
        callers.set(metadata, caller);
      };
      if (methodAccess(path) === "open") arrived = watchArrival(call, { came: boundOpen, asStatus });
      else if (caller.token !== null && isForVisitors(caller.token.grant))
        arrived = watchArrival(call, { came: pay, asStatus });
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            const knock = {
              path,
              authorization: metadata.get("authorization").map(String),
              certificate: certificateOf(call),
              bytes: 0,
            };
            Promise.resolve(knock)
              .then(gate.admit)
              .then(
                (caller) => {
                  watch(metadata, caller);
                  pass(metadata);
                },
                (error: unknown) => call.sendStatus(asStatus(error)),
              );
          },
          onReceiveHalfClose(pass) {
            arrived();
            pass();
          },
          onCancel: () => arrived(),
        });
      },
    });
  };
  return {
    interceptors: [interceptor],
    callerOf({ metadata }) {
      const caller = callers.get(metadata);
      if (caller === undefined) throw new Error("a call came past the gate");
      return caller;
    },
  };
}

/** The name in a verified certificate; null: none was shown. */
function certificateOf(call: Pick<GrpcCall, "getAuthContext">): string | null {
  const { sslPeerCertificate } = call.getAuthContext();
  return sslPeerCertificate === undefined ? null : certificateName(sslPeerCertificate);
}
