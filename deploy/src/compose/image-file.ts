import { readFileSync } from "node:fs";
import { DockerfileParser, type JSONInstruction } from "dockerfile-ast";

/** What the Dockerfile says of the image that it makes, as far as somebody who starts it needs it. */
export interface ImageFile {
  /** The instructions of all stages. */
  readonly dockerfile: ReturnType<typeof DockerfileParser.parse>;
  /** The program that every command line of a container is handed to. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  readonly user: string;
  readonly stopSignal: string;
}

/** Reads a Dockerfile. @throws {Error} unless its last stage has each of these instructions once, in exec form. */
export function readImageFile(file: string): ImageFile {
  const dockerfile = DockerfileParser.parse(readFileSync(file, "utf8"));
  const lastFrom = dockerfile.getFROMs().at(-1)?.getRange()?.start.line ?? 0;
  const only = (keyword: string) => {
    const found = dockerfile
      .getInstructions()
      .filter((one) => one.getKeyword() === keyword && (one.getRange()?.start.line ?? 0) > lastFrom);
    if (found.length !== 1) throw new Error(`${file}: the last stage has ${found.length} ${keyword}, and must have 1`);
    return found[0]!;
  };
  const words = (keyword: string) =>
    execForm(`${file}: ${keyword}`, (only(keyword) as JSONInstruction).getArgumentsContent());
  const [healthCheck] = dockerfile.getHEALTHCHECKs();
  const check = healthCheck?.getArgumentsContent()?.split(/\bCMD\s+/)[1] ?? null;
  return {
    dockerfile,
    entrypoint: words("ENTRYPOINT"),
    command: words("CMD"),
    healthCheck: execForm(`${file}: HEALTHCHECK`, check),
    user: only("USER").getArgumentsContent() ?? "",
    stopSignal: only("STOPSIGNAL").getArgumentsContent() ?? "",
  };
}

/** In shell form a shell would be process 1, and signals would end there. */
function execForm(what: string, text: string | null): readonly string[] {
  try {
    const words: unknown = JSON.parse(text ?? "");
    if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  } catch {
    // Told below.
  }
  throw new Error(`${what} is ${text}: it must be in exec form, a JSON list of strings`);
}
