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

/** By what is in its path, and by its name where a file does several things, whose a function is. */
type Owner = readonly [path: string, room: string, names?: readonly string[]];

const owners: readonly Owner[] = [
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

/** What is the limiter to others, told apart where there is nothing else. */
export const limiterOwners: readonly Owner[] = [
  ["/limiter/src/keys/", "fetching ahead what comes next", ["prefetch", "#readDoomed"]],
  ["/limiter/src/memory/", "fetching ahead what comes next", ["firsts", "prefetchSplits", "readAhead"]],
  ["/limiter/src/keys/sweep.ts", "looking for what has expired"],
  ["/limiter/src/keys/", "looking for what has expired", ["freeExpired", "#retain"]],
  ["/limiter/src/keys/", "index and blocks of keys"],
  ["/limiter/src/memory/", "index and blocks of keys"],
  ["/limiter/src/algorithms/", "the algorithm"],
  ["/limiter/src/entry/", "reading the entry"],
  ["/limiter/src/exactly-once/", "sessions, each call exactly once"],
  ["/limiter/src/hash/", "hashing keys and state"],
  ["/limiter/src/holds/", "records of slots"],
  ["/limiter/src/policies/", "policies"],
  ["/limiter/src/machine/", "going through the calls"],
  ...owners,
];

/** What a function belongs to, in words: the first owner that fits. Bundles are looked through by their source maps. */
export class Rooms {
  readonly #owners: readonly Owner[];
  readonly #maps = new Map<string, SourceMap | null>();

  constructor(list: readonly Owner[] = owners) {
    this.#owners = list;
  }

  of(frame: CallFrame): string {
    const { functionName, url } = frame;
    const placeless = withoutPlace.get(functionName);
    if (placeless !== undefined) return placeless;
    if (url.startsWith("node:")) return nodeItself;
    if (!url.startsWith("file:")) return elsewhere;
    const path = this.#sourceOf(frame);
    const fits = ([part, , names]: Owner) => path.includes(part) && (names?.includes(functionName) ?? true);
    return this.#owners.find(fits)?.[1] ?? "other";
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
