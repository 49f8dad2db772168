import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** A folder served on loopback. */
export interface FolderServer {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webp": "image/webp",
  ".xml": "application/xml",
  ".wasm": "application/wasm",
};

/** Serves the files of a folder on 127.0.0.1. @throws {Error} When the port is taken. */
export async function serveFolder(folder: string, port: number): Promise<FolderServer> {
  const server = createServer((request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
      return;
    }
    answer(folder, request.url ?? "/", response).catch(() => response.destroy());
  });
  await listen(server, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new Error(`port ${port} is taken: write --serve 0 for any free one`) : error);
    });
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function answer(folder: string, target: string, response: ServerResponse): Promise<void> {
  const file = fileOf(folder, target);
  const body = file === null ? null : await readFile(file).catch(() => null);
  if (file !== null && body !== null) {
    response.writeHead(200, { "content-type": types[path.extname(file)] ?? "application/octet-stream" }).end(body);
    return;
  }
  const missing = await readFile(path.join(folder, "404.html")).catch(() => Buffer.from("not found\n"));
  response.writeHead(404, { "content-type": types[".html"] }).end(missing);
}

/** The file that an address means; null if it is no address, or means something outside the folder. */
function fileOf(folder: string, target: string): string | null {
  try {
    const address = decodeURIComponent(new URL(target, "http://site").pathname);
    const file = path.join(folder, address.endsWith("/") ? `${address}index.html` : address);
    return file.startsWith(folder + path.sep) && !file.includes("\0") ? file : null;
  } catch {
    return null;
  }
}
