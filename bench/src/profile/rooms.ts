import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CallFrame } from "./self-times.ts";

const nodeItself = "Node.js, its JavaScript";
const elsewhere = "native code, and the kernel";

/** Where V8 was when it was in no function of ours, by its own names. */
const withoutPlace: ReadonlyMap<string, string> = new Map([
  ["(idle)", "idle"],
  ["(program)", elsewhere],
  ["(root)", elsewhere],
  ["(garbage collector)", "garbage collection"],
]);

/** By what is in its path, whose a function is. The first that fits. */
const owners: readonly (readonly [string, string])[] = [
  ["/@grpc/grpc-js/", "grpc-js"],
  ["/node_modules/", "other libraries"],
  ["/packages/limiter/", "limiter"],
  ["/packages/raft/", "Raft"],
  ["/packages/cluster/src/storage/", "log on disk"],
  ["/packages/cluster/src/transport/", "between nodes"],
  ["/packages/cluster/src/server/", "server"],
  ["/packages/cluster/", "node"],
  ["/packages/proto/", "messages"],
  ["/packages/sdk-", "SDK"],
  ["/bench/", "the benchmark's own loop"],
];

/** What a function belongs to, in words. Bundles are looked through by their source maps. */
export class Rooms {
  readonly #maps = new Map<string, SourceMap | null>();

  of(frame: CallFrame): string {
    const { functionName, url } = frame;
    const placeless = withoutPlace.get(functionName);
    if (placeless !== undefined) return placeless;
    if (url.startsWith("node:")) return nodeItself;
    if (!url.startsWith("file:")) return elsewhere;
    const path = this.#sourceOf(frame);
    return owners.find(([part]) => path.includes(part))?.[1] ?? "other";
  }

  #sourceOf({ url, lineNumber, columnNumber }: CallFrame): string {
    const path = fileURLToPath(url);
    const map = this.#mapOf(path);
    const entry = map?.findEntry(lineNumber, columnNumber);
    return entry !== undefined && "originalSource" in entry ? resolve(dirname(path), entry.originalSource) : path;
  }

  #mapOf(path: string): SourceMap | null {
    const known = this.#maps.get(path);
    if (known !== undefined) return known;
    const map = existsSync(`${path}.map`) ? new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8"))) : null;
    this.#maps.set(path, map);
    return map;
  }
}
