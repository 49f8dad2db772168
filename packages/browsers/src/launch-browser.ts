import { chromiumFlags, requireProgram } from "@quorumguard/testbed";
import puppeteer, { type Browser } from "puppeteer-core";
import { type BrowserName, browserPackages } from "./browser-name.ts";
import { hosts } from "./scene/hosts.ts";

/** For machines that have much else to do; nothing waits for it that does not fail anyway. */
const patienceMs = 180_000;

/** The scene's names are of this machine. */
const flags = [...chromiumFlags, `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(",")}`];

/** As far as preferences go, the same for Firefox. */
const firefoxPreferences = {
  "network.dns.localDomains": hosts.join(","),
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
};

/**
 * Starts Debian's browser without a window. One library drives both, Chromium over its own protocol and Firefox over WebDriver BiDi,
 * so that the same cases run in both. The scene's certificates are of nobody whom browsers know, and are taken all the same.
 */
export function launchBrowser(name: BrowserName): Promise<Browser> {
  return puppeteer.launch({
    executablePath: requireProgram(browserPackages[name]),
    headless: true,
    acceptInsecureCerts: true,
    timeout: patienceMs,
    protocolTimeout: patienceMs,
    ...(name === "firefox"
      ? { browser: "firefox", extraPrefsFirefox: firefoxPreferences }
      : { browser: "chrome", args: flags }),
  });
}
