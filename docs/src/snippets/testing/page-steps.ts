/** One thing that a page tells its reader to do. */
export type PageStep =
  /** Type this into a terminal; the page shows what it prints, or null. */
  | { readonly kind: "type"; readonly terminal: number; readonly command: string; readonly prints: string | null }
  /** Save this file of the snippets under this name. */
  | { readonly kind: "save"; readonly snippet: string; readonly name: string }
  /** Press Ctrl-C in a terminal; the page shows what it prints. */
  | { readonly kind: "interrupt"; readonly terminal: number; readonly prints: string };

interface Block {
  readonly language: string;
  readonly title: string;
  readonly text: string;
}

const blockOrSnippet =
  /^```(?<language>\w+)(?: title="(?<title>[^"]*)")?[^\n]*\n(?<text>[\s\S]*?)^```$|^<Snippet file="(?<file>[^"]+)"[^>]*title="(?<name>[^"]+)"[^>]*\/>$/gm;

/** What a page has its reader do, in order. Throws on a block whose place in the story the page does not say. */
export function readPageSteps(page: string): readonly PageStep[] {
  const steps: PageStep[] = [];
  for (const { groups } of page.matchAll(blockOrSnippet)) {
    const { file, name, language = "", title = "", text = "" } = groups!;
    // What lies in examples/ runs there, and is only read here.
    if (file?.startsWith("examples/")) continue;
    if (file !== undefined && name !== undefined) steps.push({ kind: "save", snippet: file, name });
    else addBlock(steps, { language, title, text });
  }
  return steps;
}

function addBlock(steps: PageStep[], { language, title, text }: Block): void {
  const terminal = Number(/^terminal (\d)/.exec(title)?.[1] ?? 0);
  const last = steps.at(-1);
  if (language === "sh" && terminal > 0) {
    steps.push({ kind: "type", terminal, command: text.trimEnd(), prints: null });
  } else if (language === "text" && title === "prints" && last?.kind === "type" && last.prints === null) {
    steps.splice(-1, 1, { ...last, prints: text });
  } else if (language === "text" && title === `terminal ${terminal}` && text.startsWith("^C\n")) {
    steps.push({ kind: "interrupt", terminal, prints: text.slice("^C\n".length) });
  } else if (!(language === "text" && title.startsWith("on "))) {
    // What runs elsewhere, on the reader's own machines, is told as "on …" and only read.
    throw new Error(
      `a ${language} block titled ${JSON.stringify(title)} is neither a command nor what one prints:\n${text}`,
    );
  }
}
