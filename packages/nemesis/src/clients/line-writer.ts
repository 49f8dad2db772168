import { closeSync, openSync, writeSync } from "node:fs";

const flushChars = 1 << 16;

/** Writes one JSON document per line. */
export class LineWriter {
  readonly #file: number;
  #text = "";

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  write(line: unknown): void {
    this.#text += `${JSON.stringify(line)}\n`;
    if (this.#text.length >= flushChars) this.flush();
  }

  flush(): void {
    if (this.#text !== "") writeSync(this.#file, this.#text);
    this.#text = "";
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}
