import { chromiumFlags, requireProgram } from "@quorumguard/testbed";
import { type Browser, chromium, type Page } from "playwright-core";
import { distFolder } from "./folders.ts";
import { type FolderServer, serveFolder } from "./serve-folder.ts";
import type { View } from "./views.ts";

const heightPx = 900;

/** A page that was opened in a browser, and what happened there. */
export interface OpenPage {
  readonly tab: Page;
  /** What scripts wrote as errors, and what they threw. */
  readonly errors: readonly string[];
  /** Requests that wanted to leave this machine; they were refused. */
  readonly strayRequests: readonly string[];
  close(): Promise<void>;
}

/** The built site behind a server on loopback, and a real Chromium to look at it. */
export class SiteBrowser {
  readonly #server: FolderServer;
  readonly #browser: Browser;

  private constructor(server: FolderServer, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  /** @throws {Error} When Chromium is not installed; the message has the remedy. */
  static async start(): Promise<SiteBrowser> {
    const executablePath = requireProgram("chromium");
    const server = await serveFolder(distFolder, 0);
    try {
      return new SiteBrowser(server, await chromium.launch({ executablePath, args: [...chromiumFlags] }));
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Opens a page as a new visitor would, whose system prefers the theme. */
  async open({ page, widthPx, theme }: View): Promise<OpenPage> {
    const context = await this.#browser.newContext({
      viewport: { width: widthPx, height: heightPx },
      colorScheme: theme,
      reducedMotion: "reduce",
    });
    const errors: string[] = [];
    const strayRequests: string[] = [];
    const own = `${this.#server.url}/`;
    await context.route(
      (url) => !url.href.startsWith(own) && !/^(data|blob):$/.test(url.protocol),
      async (route) => {
        strayRequests.push(route.request().url());
        await route.abort();
      },
    );
    const tab = await context.newPage();
    tab.on("console", (message) => {
      if (message.type() === "error") errors.push(`${message.text()} (${message.location().url})`);
    });
    tab.on("pageerror", (error) => errors.push(String(error)));
    await tab.goto(new URL(page, own).href, { waitUntil: "load" });
    return { tab, errors, strayRequests, close: () => context.close() };
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
  }
}
