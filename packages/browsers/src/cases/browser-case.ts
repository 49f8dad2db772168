import type { Page } from "puppeteer-core";
import type { BrowserName } from "../browser-name.ts";
import type { Host } from "../scene/hosts.ts";
import type { Scene } from "../scene/scene.ts";

/** What a case plays on: a browser of which it has pages of its own, and the scene behind them. */
export interface Stage {
  readonly browser: BrowserName;
  readonly scene: Scene;
  /** A visitor's key that no other case has. */
  readonly key: string;
  /** Opens a page of the site, and resolves when its script has run. Default: /page of the proxy's own host. */
  open(path?: string, host?: Host): Promise<Page>;
  /** Opens a page of some other site, and resolves when it is loaded. */
  openAt(url: string): Promise<Page>;
}

/** A promise that a real browser keeps. The same cases run in every browser. */
export interface BrowserCase {
  /** As a sentence. */
  readonly name: string;
  /** Rejects if it is not kept. */
  readonly run: (stage: Stage) => Promise<void>;
}
