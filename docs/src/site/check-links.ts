import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/** What a check of the built pages found. */
export interface LinkReport {
  readonly pages: number;
  readonly links: number;
  /** `PAGE: LINK: what is wrong`, in the order of the pages. */
  readonly broken: readonly string[];
}

interface BuiltPage {
  /** Address on the site, such as `/start/`. */
  readonly address: string;
  readonly targets: readonly string[];
  readonly ids: ReadonlySet<string>;
}

/**
 * Checks every `href` and `src` of the built pages, those of sidebars, cards and generated pages included: it leads to a
 * file of the site, and its hash to an element there. Links to other sites are counted but not asked for.
 */
export async function checkLinks(folder: string): Promise<LinkReport> {
  const names = await readdir(folder, { recursive: true });
  const files = new Set(names.map((name) => `/${name.replaceAll("\\", "/")}`));
  const pages = new Map<string, BuiltPage>();
  for (const name of [...files].filter((file) => file.endsWith(".html")).sort()) {
    const page = readPage(name, await readFile(path.join(folder, name), "utf8"));
    pages.set(page.address, page);
  }
  let links = 0;
  const broken: string[] = [];
  for (const page of pages.values()) {
    links += page.targets.length;
    for (const target of new Set(page.targets)) {
      const problem = problemOf(target, page, pages, files);
      if (problem !== null) broken.push(`${page.address}: ${target}: ${problem}`);
    }
  }
  return { pages: pages.size, links, broken };
}

function readPage(name: string, html: string): BuiltPage {
  // Code examples hold escaped markup only; what scripts and styles hold is no link.
  const markup = html.replaceAll(/<(script|style)\b([^>]*)>[\s\S]*?<\/\1>/g, "<$1$2>");
  const attribute = (names: string) =>
    [...markup.matchAll(new RegExp(`<[a-z][^<>]*?\\s(?:${names})="([^"]*)"`, "g"))].map(([, value = ""]) =>
      value.replaceAll("&amp;", "&").replaceAll("&#38;", "&"),
    );
  return { address: name.replace(/index\.html$/, ""), targets: attribute("href|src"), ids: new Set(attribute("id")) };
}

function problemOf(
  target: string,
  page: BuiltPage,
  pages: ReadonlyMap<string, BuiltPage>,
  files: ReadonlySet<string>,
): string | null {
  if (/^(mailto|data):/.test(target)) return null;
  let url: URL;
  try {
    url = new URL(target, `http://site${page.address}`);
  } catch {
    return "is no address";
  }
  if (url.host !== "site") return /^(127\.0\.0\.1|localhost)$/.test(url.hostname) ? "leads to the own machine" : null;
  const address = decodeURIComponent(url.pathname);
  const linked = pages.get(address);
  if (linked === undefined) return files.has(address) ? null : "there is no such page or file";
  const id = decodeURIComponent(url.hash.slice(1));
  // The browser itself knows #top.
  if (id === "" || id === "_top" || id === "top" || linked.ids.has(id)) return null;
  return `there is no heading or element with the id ${id}`;
}
