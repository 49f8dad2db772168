/**
 * The parts of production code that no package publishes but that this room needs, in one place: from the sources, since
 * this package is never built.
 */
export { decodeEnvelope, FrameKind } from "../../cluster/src/node/peer-codec.ts";
export { FrameReader } from "../../cluster/src/transport/framing.ts";
export { decodePreface, Purpose } from "../../cluster/src/transport/preface.ts";
