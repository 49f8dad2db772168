import { basename, posix } from "node:path";
import { code, outsideCode } from "./markdown.ts";
import type { Page } from "./page.ts";

/** A Markdown file of `docs/decisions`. */
export interface DecisionFile {
  /** `own-log.md`. */
  readonly name: string;
  readonly text: string;
}

/** Where the files lie in the repository: links are relative to it. */
const folder = "docs/decisions";

/** `decisions/*`: a page per file; README.md is the section's first page, and its order of links the order of pages. */
export function decisionPages(files: readonly DecisionFile[]): readonly Page[] {
  const readme = files.find(({ name }) => name === "README.md");
  const order = [...(readme?.text.matchAll(/\]\(([\w-]+\.md)/g) ?? [])].map(([, name]) => name);
  const known = new Set(files.map(({ name }) => name));
  return files.map((file) => {
    const { title, body } = splitTitle(file);
    const index = file.name === "README.md";
    const place = order.indexOf(file.name);
    return {
      path: index ? "decisions/index" : `decisions/${slugOf(file.name)}`,
      title,
      description: descriptionOf(body),
      order: index ? 0 : place >= 0 ? place + 1 : order.length + 1,
      ...(index ? { label: "All decisions" } : {}),
      body: siteLinks(body, known),
    };
  });
}

function slugOf(name: string): string {
  return basename(name, ".md");
}

function splitTitle({ name, text }: DecisionFile): { readonly title: string; readonly body: string } {
  const heading = /^# (.+)\n/.exec(text);
  if (heading?.[1] === undefined) throw new Error(`${folder}/${name} does not begin with a heading`);
  return { title: heading[1].trim().replaceAll("`", ""), body: text.slice(heading[0].length) };
}

/** The first sentence, without Markdown. */
function descriptionOf(body: string): string {
  const paragraph = body.trim().split(/\n\s*\n/)[0] ?? "";
  const plain = paragraph
    .replace(/\*\*Decided\.\*\*\s*/, "")
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/[*`]/g, "")
    .replace(/\s+/g, " ");
  return /^.+?[.:;](?=\s|$)/.exec(plain)?.[0].replace(/[:;]$/, ".") ?? plain;
}

/**
 * Links as the site has them: to a decision, its page; to the web, as they are; to any other file of the repository, no
 * link but its path, since the site has no address for it.
 * @throws {Error} if a link names a decision that does not exist.
 */
export function siteLinks(body: string, known: ReadonlySet<string>): string {
  return outsideCode(body, (plain) =>
    plain.replace(/\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, text: string, target: string) => {
      if (/^(https?:|mailto:|#)/.test(target)) return whole;
      const [file = "", anchor] = target.split("#");
      const path = posix.join(folder, file);
      const name = posix.basename(path);
      if (posix.dirname(path) !== folder || !name.endsWith(".md")) return code(path);
      if (!known.has(name)) throw new Error(`${folder}: a link to ${name}, which does not exist`);
      const page = name === "README.md" ? "/decisions/" : `/decisions/${slugOf(name)}/`;
      return `[${text}](${page}${anchor === undefined ? "" : `#${anchor}`})`;
    }),
  );
}
