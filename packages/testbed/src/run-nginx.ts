import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { requireProgram } from "./system-packages.ts";

/**
 * Runs the system's nginx in the foreground on FOLDER/nginx.conf, until told to stop; then removes the folder. Resolves when the
 * port takes connections. Throws if it is not installed, or ends, with what it wrote.
 */
export async function runNginx(folder: string, port: number): Promise<() => Promise<void>> {
  const program = requireProgram("nginx");
  const words = ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  let problems = "";
  child.stderr.on("data", (text) => {
    problems += text;
  });
  const failed = Promise.race([
    once(child, "exit").then(() => new Error(`nginx ended: ${problems}`)),
    once(child, "error").then(([error]) => new Error(`${program} could not be started`, { cause: error })),
  ]);
  const endChild = () => void child.kill("SIGKILL");
  process.once("exit", endChild);
  const reason = await Promise.race([failed, listens(port)]);
  if (reason !== null) {
    await rm(folder, { recursive: true, force: true });
    throw reason;
  }
  return async () => {
    process.off("exit", endChild);
    child.kill("SIGTERM");
    await failed;
    await rm(folder, { recursive: true, force: true });
  };
}

/** Started by root, workers would otherwise drop to a user that may not read our folders. */
export const asThisUser = process.getuid?.() === 0 ? "user root;" : "";

/** Tries until the connection is no longer refused: nginx does not say when it listens. */
async function listens(port: number): Promise<null> {
  for (;;) {
    const socket = net.connect(port, "127.0.0.1");
    const open = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return null;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
