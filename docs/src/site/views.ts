/** Pages that are looked at in a browser, by people and by the tests: every section has one at least. */
export const viewedPages = [
  "/",
  "/start/",
  "/concepts/promises/",
  "/concepts/algorithms/",
  "/internals/log-format/",
  "/internals/raft-core/",
  "/reference/command-line/",
  "/reference/options/",
  "/decisions/own-log/",
  "/benchmarks/failover/",
  "/404.html",
] as const;

/** Widths of the window, in CSS pixels: a desktop, and the narrowest phone that matters. */
export const viewedWidths = [1_280, 360] as const;

/** Both looks of the site. */
export const viewedThemes = ["light", "dark"] as const;

/** One look at one page. */
export interface View {
  readonly page: string;
  readonly widthPx: number;
  readonly theme: (typeof viewedThemes)[number];
}

/** Every page at every width in every theme. */
export const views: readonly View[] = viewedPages.flatMap((page) =>
  viewedWidths.flatMap((widthPx) => viewedThemes.map((theme) => ({ page, widthPx, theme }))),
);
