import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type DefaultTreeAdapterTypes, parse } from "parse5";

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

/** Attributes that hold one address, of whatever element. */
const addressAttributes = new Set(["href", "src", "poster", "action", "formaction", "data", "cite"]);
/** Attributes that hold a list of addresses, each with its width or density. */
const setAttributes = new Set(["srcset", "imagesrcset"]);

/**
 * Checks every address in the built pages, those of sidebars, cards and generated pages included: it leads to a file of
 * the site, and its hash to an element there. Pages are read as a browser reads them, so that no spelling of an
 * attribute is overlooked. Links to other sites are counted but not asked for.
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
  const targets: string[] = [];
  const ids = new Set<string>();
  // A stack of our own: generated markup may nest deeper than calls may. What <noscript> holds is markup here.
  const open: DefaultTreeAdapterTypes.Node[] = [parse(html, { scriptingEnabled: false })];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ("content" in node) open.push(node.content);
    if ("childNodes" in node) open.push(...node.childNodes.toReversed());
    if (!("attrs" in node)) continue;
    for (const { name: attribute, value } of node.attrs) {
      if (attribute === "id") ids.add(value);
      else if (addressAttributes.has(attribute)) targets.push(value);
      else if (setAttributes.has(attribute)) targets.push(...addressesOfSet(value));
    }
    if (node.tagName === "meta") targets.push(...redirectOf(node));
  }
  return { address: name.replace(/index\.html$/, ""), targets, ids };
}

/** `a.png 1x, b.png 2x`: an address ends at white space, or at a comma that white space follows. */
function addressesOfSet(value: string): readonly string[] {
  return [...value.matchAll(/[\s,]*(\S*[^\s,])(?:\s+[^,]*)?/g)].map(([, address = ""]) => address);
}

/** Where `<meta http-equiv="refresh" content="0; url=/x/">` leads. */
function redirectOf({ attrs }: DefaultTreeAdapterTypes.Element): readonly string[] {
  const attributeOf = (name: string) => attrs.find((attribute) => attribute.name === name)?.value ?? "";
  if (attributeOf("http-equiv").toLowerCase() !== "refresh") return [];
  const address = /;\s*url\s*=\s*['"]?([^'"]*)/i.exec(attributeOf("content"))?.[1];
  return address === undefined ? [] : [address.trim()];
}

function problemOf(
  target: string,
  page: BuiltPage,
  pages: ReadonlyMap<string, BuiltPage>,
  files: ReadonlySet<string>,
): string | null {
  let url: URL;
  let address: string;
  let id: string;
  try {
    url = new URL(target, `http://site${page.address}`);
    if (!/^https?:$/.test(url.protocol)) return null;
    address = decodeURIComponent(url.pathname);
    id = decodeURIComponent(url.hash.slice(1));
  } catch {
    return "is no address";
  }
  if (url.host !== "site") return /^(127\.0\.0\.1|localhost)$/.test(url.hostname) ? "leads to the own machine" : null;
  const linked = pages.get(address);
  if (linked === undefined) return files.has(address) ? null : "there is no such page or file";
  // The browser itself knows #top.
  if (id === "" || id === "_top" || id === "top" || linked.ids.has(id)) return null;
  return `there is no heading or element with the id ${id}`;
}
