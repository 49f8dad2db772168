import { fileURLToPath } from "node:url";
import starlight from "@astrojs/starlight";
import { defineConfig } from "astro/config";
import linksValidator from "starlight-links-validator";

/** A section of the sidebar is a folder of pages; pages say their own order. */
const section = (label, directory) => ({ label, items: [{ autogenerate: { directory } }] });

/** The workspace's packages are used from their sources, as in the tests: in whatever environment Astro builds with. */
const workspaceSources = {
  name: "workspace-sources",
  configEnvironment: () => ({
    resolve: { conditions: ["quorumguard-source", "module", "node", "development|production"] },
  }),
};

export default defineConfig({
  outDir: "dist",
  cacheDir: fileURLToPath(new URL("./node_modules/.astro", import.meta.url)),
  devToolbar: { enabled: false },
  vite: { plugins: [workspaceSources] },
  integrations: [
    starlight({
      title: "QuorumGuard",
      description: "An exact, replicated rate limiter for Node services and edge runtimes.",
      customCss: ["./src/styles/site.css"],
      logo: { light: "./src/site/logo-light.svg", dark: "./src/site/logo-dark.svg" },
      favicon: "/favicon.svg",
      lastUpdated: false,
      credits: false,
      sidebar: [
        section("Start", "start"),
        section("Concepts", "concepts"),
        section("Internals", "internals"),
        section("Reference", "reference"),
        section("Decisions", "decisions"),
        section("Benchmarks", "benchmarks"),
      ],
      plugins: [linksValidator({ errorOnRelativeLinks: false })],
    }),
  ],
});
