import type { NodeId } from "@quorumguard/raft";
import { wholeNumber } from "../whole-number.ts";

/** A peer, and the host and port where it listens for its peers. */
export interface PeerAddress {
  readonly nodeId: NodeId;
  readonly host: string;
  readonly port: number;
}

/** An address as nodes tell it to each other; IPv6 hosts are in brackets. */
export function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads what {@link formatAddress} wrote; null for anything else. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? null : { host, port };
}

/**
 * Certificates between nodes, PEM. Both sides show one and both demand one of this authority, which must sign nothing but nodes of
 * this cluster: whoever holds such a certificate is a node, whatever its address.
 */
export interface PeerCertificates {
  readonly ca: Uint8Array | string;
  readonly cert: Uint8Array | string;
  readonly key: Uint8Array | string;
}

/** The little that connections need of time: timers that do not keep a process alive. A node's clock is one. */
export interface TransportClock {
  /** Calls once, no earlier than `delayMs` from now. Returns what cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

/** Where connections report what an operator may want to know; a node's log is one. Must not block. */
export type TransportLog = (
  level: "debug" | "info" | "warn" | "error",
  event: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

/** Where a node listens, whom it dials, under which certificates, and the limits of both. */
export interface TcpTransportOptions {
  readonly nodeId: NodeId;
  /** Port 0: any free one, see `port`. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Peers whose addresses are known from the start; `addPeer` names further ones. */
  readonly peers: readonly PeerAddress[];
  /**
   * Addresses of members whose ids are not known: they are dialled, and so hear of this node, until the first peer is known.
   * Default none.
   */
  readonly contacts?: readonly { readonly host: string; readonly port: number }[];
  /** Without it connections are plain: for loopback and private links only. */
  readonly tls?: PeerCertificates;
  /** A longer frame closes its connection. 64 KiB to 256 MiB; default 32 MiB, above the largest message of the core. */
  readonly maxFrameBytes?: number;
  /** Bytes waiting for a slow peer, above which frames are dropped; Raft sends again. Default 32 MiB. */
  readonly maxSendBufferBytes?: number;
  /** Connections accepted at once, so that strangers cannot exhaust the process. Default 64. */
  readonly maxConnections?: number;
  readonly clock: TransportClock;
  readonly log?: TransportLog;
}

/** {@link TcpTransportOptions} with defaults filled in and bounds checked. */
export interface ResolvedTcpOptions extends TcpTransportOptions {
  readonly contacts: readonly { readonly host: string; readonly port: number }[];
  readonly maxFrameBytes: number;
  readonly maxSendBufferBytes: number;
  readonly maxConnections: number;
  readonly log: TransportLog;
}

/** Fills in defaults. @throws {RangeError} naming the field, its value and its bound. */
export function resolveTcpOptions(options: TcpTransportOptions): ResolvedTcpOptions {
  return {
    ...options,
    contacts: options.contacts ?? [],
    maxFrameBytes: wholeNumber("maxFrameBytes", options.maxFrameBytes ?? 33_554_432, 65_536, 268_435_456),
    maxSendBufferBytes: wholeNumber("maxSendBufferBytes", options.maxSendBufferBytes ?? 33_554_432, 65_536, 2 ** 32),
    maxConnections: wholeNumber("maxConnections", options.maxConnections ?? 64, 1, 65_536),
    log: options.log ?? (() => {}),
  };
}
