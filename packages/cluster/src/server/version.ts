import { createRequire } from "node:module";

/** The package's version, read where it is kept: two folders above this file, in the sources as in the build. */
export const version: string = createRequire(import.meta.url)("../../package.json").version;
