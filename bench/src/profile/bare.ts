import { fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { scratchFolder } from "../scratch-folder.ts";

const echo = new URL("./echo.ts", import.meta.url);

/** So many of each are taken before any counts: by then all of it is compiled. */
const warmUps = 200;
/** Frames that the file has room for. */
const room = 2_048;

/** How long a message of `bytes` takes to another process of Node on this machine and back, in milliseconds, again and again. */
export async function bareTrips(bytes: number, times: number): Promise<readonly number[]> {
  const child = fork(echo);
  try {
    const [port] = (await once(child, "message")) as [number];
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    const took: number[] = [];
    for (let trip = 0; trip < warmUps + times; trip++) took.push(await tripMs(socket, Buffer.alloc(bytes, 1)));
    socket.destroy();
    return took.slice(warmUps);
  } finally {
    child.kill();
  }
}

function tripMs(socket: Socket, message: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const from = performance.now();
    let missing = message.length;
    const hear = (piece: Buffer) => {
      missing -= piece.length;
      if (missing > 0) return;
      socket.off("data", hear);
      resolve(performance.now() - from);
    };
    socket.on("data", hear);
    socket.write(message);
  });
}

/** How long it takes to write `bytes` and to make them durable, in milliseconds: over zeros that are there, as a node writes its log. */
export async function bareFlushes(bytes: number, times: number): Promise<readonly number[]> {
  const folder = await scratchFolder("flushes");
  const file = openSync(join(folder.path, "log"), "w");
  try {
    const frame = Buffer.alloc(bytes, 1);
    writeSync(file, Buffer.alloc(bytes * room));
    fdatasyncSync(file);
    const took: number[] = [];
    for (let flush = 0; flush < warmUps + times; flush++) {
      const from = performance.now();
      writeSync(file, frame, 0, bytes, (flush % room) * bytes);
      fdatasyncSync(file);
      took.push(performance.now() - from);
    }
    return took.slice(warmUps);
  } finally {
    closeSync(file);
    folder.remove();
  }
}
