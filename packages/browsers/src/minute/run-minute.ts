import { randomUUID } from "node:crypto";
import type { BrowserName } from "../browser-name.ts";
import { launchBrowser } from "../launch-browser.ts";
import type { Scene } from "../scene/scene.ts";
import { judgeMinute, type MinuteReport } from "./judge-minute.ts";

/** How long, how often a call, and how often a kill, in milliseconds. */
const lengthMs = 60_000;
const callEveryMs = 50;
const killEveryMs = 5_000;

/** The guards that are measured: one that hides nothing, and one with default options. */
const guards = {
  throw: { onUnavailable: "throw", timeoutMs: 3_000 },
  default: {},
} as const;

/** Which of them. */
export type MinuteGuard = keyof typeof guards;

/** Both, in the order in which they are measured. */
export const minuteGuards = Object.keys(guards) as readonly MinuteGuard[];

/** A page makes 20 calls a second through nginx for a minute, and every five seconds whoever leads is killed, and comes back. */
export async function runMinute(name: BrowserName, scene: Scene, guard: MinuteGuard): Promise<MinuteReport> {
  const browser = await launchBrowser(name);
  try {
    const page = await browser.newPage();
    await page.goto(`${scene.origin("shop.test")}/page`);
    await page.waitForFunction(() => document.title === "ready");
    const options = guards[guard];
    await page.evaluate(
      (key, chosen, everyMs) => {
        // Not the cases' own defaults, where this guard has none.
        const visitor = subject.visitor({ key, onUnavailable: "local", timeoutMs: 3_000, ...chosen });
        subject.startTraffic(visitor, ["often", "once"], everyMs);
      },
      `visitor:${randomUUID()}`,
      options,
      callEveryMs,
    );
    const kills = await killLeaders(scene);
    const reports = await page.evaluate(() => subject.stopTraffic());
    return { browser: name, guard, kills, ...judgeMinute(reports) };
  } finally {
    await browser.close();
  }
}

/** Kills by the clock, not by when the last one was made good. Resolves with how many there were. */
async function killLeaders(scene: Scene): Promise<number> {
  const startedMs = performance.now();
  const returns: Promise<void>[] = [];
  let kills = 0;
  for (let dueMs = killEveryMs; dueMs < lengthMs; dueMs += killEveryMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedMs + dueMs - performance.now())));
    // One of three may be away at a time: more would be no minority.
    await Promise.all(returns);
    const killed = await scene.killLeader();
    kills += 1;
    returns.push(scene.bringBack(killed));
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedMs + lengthMs - performance.now())));
  await Promise.all(returns);
  return kills;
}
