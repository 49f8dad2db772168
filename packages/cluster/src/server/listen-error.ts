import { StartError } from "./start-error.ts";

/** Listeners by their names in messages, and the options that say where they listen. */
const options = { gRPC: "grpc", HTTP: "http", peers: "peer" } as const;

/** What to do about the reasons for which a port cannot be had. */
const remedies: readonly (readonly [string, string])[] = [
  ["EADDRINUSE", "another process has this port (EADDRINUSE); stop it, or choose another port"],
  ["EACCES", "this user may not have this port (EACCES); choose one above 1023"],
  ["EADDRNOTAVAIL", "this machine does not have this address (EADDRNOTAVAIL); listen on one of its own"],
  ["ENOTFOUND", "no such host name (ENOTFOUND); check its spelling, or give an address"],
];

/** Says which listener could not have which address, why, and what to do. */
export function listenError(listener: keyof typeof options, address: string, cause: unknown): StartError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const remedy = remedies.find(([code]) => message.includes(code))?.[1] ?? message;
  return new StartError(options[listener], listener, `cannot listen on ${address}: ${remedy}`, cause);
}

/** Whether an error is about a port, rather than about what is behind it. */
export function isListenError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && (error.syscall === "listen" || error.syscall === "bind");
}
