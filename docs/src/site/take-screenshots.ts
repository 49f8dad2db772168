import { mkdir } from "node:fs/promises";
import path from "node:path";
import { SiteBrowser } from "./site-browser.ts";
import { type View, views } from "./views.ts";

/** Writes a picture of every view of the built site, as long as the page is, and returns the files' names. */
export async function takeScreenshots(folder: string, say: (text: string) => void): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const browser = await SiteBrowser.start();
  const files: string[] = [];
  try {
    say(`taking ${views.length} screenshots`);
    for (const view of views) {
      const opened = await browser.open(view);
      const file = fileOf(view);
      await opened.tab.screenshot({ path: path.join(folder, file), fullPage: true });
      await opened.close();
      files.push(file);
    }
  } finally {
    await browser.stop();
  }
  return files;
}

function fileOf({ page, widthPx, theme }: View): string {
  const name = page.replaceAll(/^\/|\/$|\.html$/g, "").replaceAll("/", "-") || "home";
  return `${name}-${widthPx}-${theme}.png`;
}
