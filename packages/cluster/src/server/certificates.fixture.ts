import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A certificate and its key, both PEM. */
export interface TestCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** An authority that lives as long as a test: X.509 by hand, since Node signs but does not build certificates. */
export class TestAuthority {
  readonly ca: Buffer;
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    this.ca = pem("CERTIFICATE", this.#certificate(name, this.#keys.publicKey, [basicConstraints]));
  }

  /** A certificate for `commonName`, good for 127.0.0.1 and localhost, or for another host, for an hour or until then. */
  issue(commonName: string, { host = "", untilMs = Date.now() + 3_600_000 } = {}): TestCertificate {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const names = host === "" ? loopbackNames : hostNames(der(0x82, Buffer.from(host)));
    const cert = pem("CERTIFICATE", this.#certificate(commonName, publicKey, [names], untilMs));
    return { cert, key: Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })) };
  }

  #certificate(
    subject: string,
    publicKey: KeyObject,
    extensions: readonly Buffer[],
    untilMs = Date.now() + 3_600_000,
  ): Buffer {
    const now = Date.now();
    const body = sequence(
      der(0xa0, der(0x02, Buffer.of(2))),
      der(0x02, Buffer.from([1, ...Buffer.from(String(now + serial++))])),
      ecdsaWithSha256,
      commonName(this.#name),
      sequence(time(Math.min(now, untilMs) - 3_600_000), time(untilMs)),
      commonName(subject),
      publicKey.export({ type: "spki", format: "der" }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign("sha256", body, this.#keys.privateKey);
    return sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  }
}

let serial = 0;

/** Tag, length, value. */
function der(tag: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), derLength(value.length), value]);
}

/** As short as it can be, which DER demands. */
function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  return length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(name)))));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function pem(label: string, bytes: Buffer): Buffer {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return Buffer.from([`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n"));
}

const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
const yes = der(0x01, Buffer.of(0xff));
/** Critical, and an authority. */
const basicConstraints = sequence(oid("551d13"), yes, der(0x04, sequence(yes)));
const hostNames = (...names: readonly Buffer[]): Buffer => sequence(oid("551d11"), der(0x04, sequence(...names)));
const loopbackNames = hostNames(der(0x87, Buffer.of(127, 0, 0, 1)), der(0x82, Buffer.from("localhost")));
