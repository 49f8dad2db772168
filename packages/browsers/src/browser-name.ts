/** Which browser runs the cases. */
export const browserNames = ["chromium", "firefox"] as const;

/** One of them. */
export type BrowserName = (typeof browserNames)[number];

/** Debian's package of each. */
export const browserPackages = { chromium: "chromium", firefox: "firefox-esr" } as const satisfies Record<
  BrowserName,
  string
>;
