/**
 * What Playwright turns off, which `--disable-features` of our own replaces: what asks the outside, and what is in the way of
 * who drives a browser.
 */
const offForDrivers = [
  ...["HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "MediaRouter", "OptimizationHints", "PreconnectToSearch"],
  ...["NetworkTimeServiceQuerying", "LensOverlay", "AimEnabled", "PaintHolding", "DestroyProfileOnBrowserClose"],
  ...["AvoidUnnecessaryBeforeUnloadCheckSync", "AvoidCorsURLLoaderRestartOnRedirect", "ThirdPartyStoragePartitioning"],
];

/** Pages of the address bar's menu, which nobody sees: every window starts a process for them, at twice the price of a small page. */
const menus = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"];

/** For a Chromium that tests drive: nothing that talks to the outside, and no sandbox, which containers and root do not have. */
export const chromiumFlags: readonly string[] = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  `--disable-features=${[...offForDrivers, ...menus].join(",")}`,
];
