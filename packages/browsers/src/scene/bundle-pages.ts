import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (name: string) => fileURLToPath(new URL(`../page/${name}`, import.meta.url));

/** The pages' scripts by path, each one file, bundled from the sources as a user's bundler would. */
export async function bundlePages(): Promise<ReadonlyMap<string, string>> {
  const { outputFiles } = await build({
    entryPoints: [here("page.ts"), here("react.tsx"), here("worker.ts"), here("service-worker.ts")],
    outdir: "/",
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    conditions: ["quorumguard-source", "import", "default"],
    target: "es2022",
    jsx: "automatic",
    // React's StrictMode does what it does only in development.
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  return new Map(outputFiles.map(({ path, text }) => [path, text]));
}
