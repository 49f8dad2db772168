import fs from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** The built site on a port of loopback. */
export interface ServedSite {
  readonly url: string;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".webp": "image/webp",
  ".xml": "application/xml",
};

/** Serves a folder of files as a static host would: `/start/` is its index.html, what is not there is 404.html. */
export async function serveSite(folder: string, port = 0): Promise<ServedSite> {
  const root = path.resolve(folder);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://site");
    const file = resolveFile(root, pathname);
    if (file === null) answer(response, 404, path.join(root, "404.html"));
    else answer(response, 200, file);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The file for a path, never outside of the folder; null if there is none. */
function resolveFile(root: string, pathname: string): string | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  const file = path.join(root, decoded.endsWith("/") ? `${decoded}index.html` : decoded);
  if (!file.startsWith(root + path.sep)) return null;
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ? file : null;
}

function answer(response: ServerResponse, status: number, file: string): void {
  response.writeHead(status, { "content-type": types[path.extname(file)] ?? "application/octet-stream" });
  fs.createReadStream(file)
    .on("error", () => response.end())
    .pipe(response);
}
