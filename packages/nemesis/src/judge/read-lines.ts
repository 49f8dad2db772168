import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** Every JSON document of a file that has one per line. */
export async function* readLines<T>(path: string): AsyncGenerator<T> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === "") continue;
    yield JSON.parse(line) as T;
  }
}
