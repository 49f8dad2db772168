import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { build } from "vite";

const here = (folder: string) => fileURLToPath(new URL(folder, import.meta.url));

/**
 * Builds the site as an application would, from the built packages. Resolves with the folder to serve. Everything is a file of its own:
 * a strict Content-Security-Policy forbids scripts, styles and pictures inside of others.
 */
export async function buildSite(): Promise<string> {
  const folder = here("dist");
  await build({
    configFile: false,
    root: here("site"),
    plugins: [react()],
    logLevel: "warn",
    build: { outDir: folder, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  });
  return folder;
}
