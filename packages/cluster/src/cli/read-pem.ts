import type { Buffer } from "node:buffer";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/** What a PEM file of TLS holds. */
export type PemKind = "certificate" | "key";

const labels: Readonly<Record<PemKind, RegExp>> = {
  certificate: /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/,
  key: /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
};
const wanted: Readonly<Record<PemKind, string>> = {
  certificate: "certificates as PEM, which begin with -----BEGIN CERTIFICATE-----",
  key: "a private key as PEM without a passphrase, which begins with -----BEGIN PRIVATE KEY-----",
};

/**
 * Reads the file of a flag and makes sure that TLS can use it, so that a mistake is told by the flag and not by OpenSSL.
 * @throws {UsageError} naming flag, path and what should be in the file.
 */
export function readPem(flag: string, path: string | undefined, kind: PemKind): Buffer | undefined {
  if (path === undefined) return undefined;
  const refuse = (problem: string) => new UsageError(`--${flag} is ${JSON.stringify(path)}: ${problem}`);
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (error) {
    throw refuse(`${(error as Error).message}; give a file with ${wanted[kind]}`);
  }
  if (!labels[kind].test(pem.toString("latin1"))) throw refuse(`it must hold ${wanted[kind]}`);
  try {
    if (kind === "key") createPrivateKey(pem);
    else new X509Certificate(pem);
  } catch (error) {
    throw refuse(`it cannot be read (${(error as Error).message}); it must hold ${wanted[kind]}`);
  }
  return pem;
}

/**
 * Makes sure that a certificate and a key, each read by {@link readPem}, belong together.
 * @throws {UsageError} naming both flags.
 */
export function checkPair(certFlag: string, cert: Buffer, keyFlag: string, key: Buffer): void {
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return;
  const remedy = "give the key that the certificate was issued for";
  throw new UsageError(`--${keyFlag} is not the key of the first certificate in --${certFlag}: ${remedy}`);
}
