import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import { secureOptions } from "./secure-options.ts";
import type { TlsOptions } from "./tls-options.ts";

/** A listener says its first word within a round trip; longer is not worth a caller's time. */
const PROBE_TIMEOUT_MS = 500;

/**
 * What speaks at an address, as its first bytes tell. `silent`: the connection was made and ended, or nothing came,
 * which is what a dying process and a proxy without a backend look like too, and so proves nothing.
 */
export type Spoken = "http2" | "http1" | "tls" | "tls-http1" | "other" | "silent";

/** Where to knock. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The address in an authority URL such as `http://[::1]:7400`. @throws {TypeError} when it is no URL. */
export function addressOf(authority: string): Address {
  const { hostname, port, protocol } = new URL(authority);
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
  };
}

/** Asks in plain text, as HTTP/2 begins, and, if that gets no answer, over TLS. Never rejects. */
export async function probeEndpoint(address: Address): Promise<Spoken> {
  const plain = await firstBytes(address);
  if (plain === null) return "silent";
  if (plain.length > 0) return spokenBy(plain);
  // Many TLS listeners hang up on plain text without an alert.
  return speaksTls(address);
}

/** Whether a TLS listener there turns away whoever shows no certificate. Never rejects. */
export async function wantsCertificate(address: Address, tlsOptions: TlsOptions): Promise<boolean> {
  const { ca } = tlsOptions;
  const anonymous = secureOptions(ca === undefined ? {} : { ca });
  const error = await handshake(address, { ...anonymous, rejectUnauthorized: true });
  return error !== null && /CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/.test(error);
}

const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  // An empty SETTINGS frame, which completes the preface.
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** The first bytes of the answer to an HTTP/2 preface; empty: it hung up or said nothing; null: no connection. */
function firstBytes({ host, port }: Address): Promise<Buffer | null> {
  return new Promise((resolve) => {
    let connected = false;
    const socket = net.connect({ host, port, noDelay: true });
    const end = (bytes: Buffer | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(bytes);
    };
    const nothing = () => end(connected ? Buffer.alloc(0) : null);
    const timer = setTimeout(nothing, PROBE_TIMEOUT_MS);
    timer.unref();
    socket.unref();
    socket.once("connect", () => {
      connected = true;
      socket.write(PREFACE);
    });
    socket.once("data", (chunk: Buffer) => end(chunk));
    socket.on("error", nothing);
    socket.once("close", nothing);
  });
}

function spokenBy(bytes: Buffer): Spoken {
  // A TLS record of type alert, from a listener that expected a ClientHello.
  if (bytes[0] === 0x15 && bytes[1] === 0x03) return "tls";
  if (bytes.subarray(0, 5).toString("latin1") === "HTTP/") return "http1";
  // Length, then the type SETTINGS on stream 0: an HTTP/2 server's own first frame, or a GOAWAY.
  if (bytes.length >= 9 && (bytes[3] === 4 || bytes[3] === 7) && bytes.readUInt32BE(5) === 0) return "http2";
  return "other";
}

async function speaksTls(address: Address): Promise<Spoken> {
  const error = await handshake(address, { rejectUnauthorized: false });
  if (error === null) return "tls";
  if (/NO_APPLICATION_PROTOCOL/.test(error)) return "tls-http1";
  // Only a TLS peer sends an alert, whatever it says.
  return /_ALERT_/.test(error) ? "tls" : "silent";
}

/** Makes a TLS connection that offers HTTP/2. Null: it was made and stays; else the code of what ended it. */
function handshake({ host, port }: Address, options: tls.ConnectionOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = tls.connect({ host, port, ALPNProtocols: ["h2"], ...name, ...options });
    const end = (result: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end("TIMEOUT"), PROBE_TIMEOUT_MS);
    timer.unref();
    socket.unref();
    socket.once("secureConnect", () => {
      if (options.rejectUnauthorized === false) end(null);
      // A refusal of the certificate that we did not show comes after the handshake in TLS 1.3, hence the wait for data.
      else socket.once("data", () => end(null));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once("close", () => end("CLOSED"));
  });
}
