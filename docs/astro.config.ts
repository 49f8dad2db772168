import starlight from "@astrojs/starlight";
import { defineConfig } from "astro/config";
import starlightLinksValidator from "starlight-links-validator";

/** A section of the sidebar: all pages of a folder, in the order of their frontmatter's `sidebar.order`. */
function section(label: string, directory: string) {
  return { label, items: [{ autogenerate: { directory } }] };
}

/** Workspace packages run from their sources, as everywhere in this repository, in each environment that Astro builds with. */
const workspaceSources = {
  name: "workspace-sources",
  configEnvironment: () => ({
    resolve: { conditions: ["quorumguard-source", "module", "node", "development|production"] },
  }),
};

export default defineConfig({
  // Static files with relative needs only: whatever serves a folder serves the site.
  output: "static",
  trailingSlash: "always",
  devToolbar: { enabled: false },
  vite: { plugins: [workspaceSources] },
  integrations: [
    starlight({
      title: "QuorumGuard",
      description: "An exact, replicated rate limiter: Node and web SDKs over a small Raft cluster that comes along.",
      logo: { light: "./src/site/logo-light.svg", dark: "./src/site/logo-dark.svg", alt: "" },
      favicon: "/favicon.svg",
      customCss: ["./src/styles/theme.css"],
      components: {
        MarkdownContent: "./src/components/MarkdownContent.astro",
        Search: "./src/components/Search.astro",
      },
      credits: false,
      tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
      expressiveCode: {
        // Commands without a title need no bar above them.
        defaultProps: { overridesByLang: { "sh,bash,shell": { frame: "code" } } },
        styleOverrides: { borderRadius: "0.5rem", codeFontSize: "0.8125rem", frames: { shadowColor: "transparent" } },
      },
      sidebar: [
        section("Start", "start"),
        section("Concepts", "concepts"),
        section("Operate", "operate"),
        section("Internals", "internals"),
        section("Reference", "reference"),
        section("Decisions", "decisions"),
        section("Benchmarks", "benchmarks"),
      ],
      plugins: [starlightLinksValidator()],
    }),
  ],
});
