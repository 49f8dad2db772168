import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { inDeploy } from "../deploy-folder.ts";
import { type ImageFile, readImageFile } from "./image-file.ts";

/** A folder or file that a service sees at `target`. */
export interface Mount {
  /** bind: `source` is a path of this machine. volume: `source` is a name. tmpfs: there is none. */
  readonly kind: "bind" | "volume" | "tmpfs";
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** A service as the container's runtime would start it. */
export interface Service {
  readonly name: string;
  readonly hostname: string;
  /** True: from our Dockerfile. */
  readonly built: boolean;
  /** Entry point and command. */
  readonly words: readonly string[];
  readonly healthCheck: readonly string[];
  /** `uid:gid`. Empty: the image's. */
  readonly user: string;
  readonly stopSignal: NodeJS.Signals;
  readonly mounts: readonly Mount[];
  readonly ports: readonly string[];
  readonly networks: readonly string[];
}

/** The fields of a service in the file, as far as they are read here. */
interface ServiceSource {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly hostname: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly user?: string;
  readonly stop_signal?: NodeJS.Signals;
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: readonly string[] | Readonly<Record<string, unknown>>;
  readonly healthcheck: { readonly test: readonly string[] };
  readonly environment?: Readonly<Record<string, string>>;
}

/** The file's own terms, for checks that go beyond starting it. */
export interface ComposeSource {
  readonly services: Readonly<Record<string, ServiceSource & Readonly<Record<string, unknown>>>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** Parses compose.yaml, aliases and merge keys included. */
export function readComposeSource(): ComposeSource {
  return parse(readFileSync(inDeploy("compose.yaml"), "utf8"), { merge: true }) as ComposeSource;
}

/** Every service of compose.yaml, with what its image adds. */
export function readServices(): readonly Service[] {
  const image = readImageFile(inDeploy("Dockerfile"));
  return Object.entries(readComposeSource().services).map(([name, source]) => serviceOf(name, source, image));
}

function serviceOf(name: string, source: ServiceSource, image: ImageFile): Service {
  const built = source.build !== undefined;
  const { entrypoint = built ? image.entrypoint : [], command = built ? image.command : [], networks } = source;
  const [kind, ...healthCheck] = source.healthcheck.test;
  if (kind !== "CMD") throw new Error(`${name}: the health check must be in exec form, and begins with ${kind}`);
  return {
    name,
    hostname: source.hostname,
    built,
    words: [...entrypoint, ...command],
    healthCheck,
    user: source.user ?? (built ? image.user : ""),
    stopSignal: source.stop_signal ?? "SIGTERM",
    mounts: [...(source.volumes ?? []).map(mountOf), ...(source.tmpfs ?? []).map(tmpfsOf)],
    ports: source.ports ?? [],
    networks: Array.isArray(networks) ? networks : Object.keys(networks),
  };
}

function mountOf(text: string): Mount {
  const [source = "", target = "", mode = "rw"] = text.split(":");
  const bind = /^[./]/.test(source);
  return {
    kind: bind ? "bind" : "volume",
    source: bind ? path.resolve(inDeploy(), source) : source,
    target,
    readOnly: mode === "ro",
  };
}

function tmpfsOf(text: string): Mount {
  return { kind: "tmpfs", source: "", target: text.split(":")[0]!, readOnly: false };
}
