/** The runtime-neutral client. Internal to QuorumGuard: no semver promise. */
export {
  type Runtime,
  type StreamConnection,
  type StreamHandlers,
  type Transport,
  TransportError,
  type TransportErrorKind,
  type UnaryCall,
} from "./transport.ts";
