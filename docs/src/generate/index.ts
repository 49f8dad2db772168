/** The part of the site that is written by programs: reference, decisions and benchmarks. */
export { generatePages } from "./generate-pages.ts";
