import { expect, test } from "vitest";
import type { Decision } from "../surface/guard.ts";
import { denied, PageScene } from "../testing/page-scene.ts";

/** A page that was denied for a minute, firmly. */
async function deniedOnce(): Promise<PageScene> {
  const at = new PageScene();
  at.cluster.decides = () => denied(60_000);
  expect(await ask(at)).toMatchObject({ allowed: false, source: "quorum", retryAfterMs: 60_000 });
  return at;
}

async function ask(at: PageScene, key = "k", cost = 1): Promise<Decision | Error> {
  return at.ended(at.guard.allow(key, "login", cost === 1 ? {} : { cost }));
}

test("a firm denial is honoured without asking, with the time that is left of it", async () => {
  const at = await deniedOnce();
  await at.runtime.pass(2_000);
  expect(await ask(at)).toMatchObject({ allowed: false, source: "denial-cache", retryAfterMs: 58_000 });
  expect(at.batches).toHaveLength(1);
});

test("it is asked again 5 s after it was first sent, however firm it is: a reset is noticed by then", async () => {
  const at = await deniedOnce();
  at.cluster.decides = () => ({});
  await at.runtime.pass(4_500);
  expect(await ask(at)).toMatchObject({ source: "denial-cache" });
  await at.runtime.pass(500);
  expect(await ask(at)).toMatchObject({ allowed: true, source: "quorum" });
});

test("the wall clock ends it as well: the other one stands still while a device sleeps", async () => {
  const at = await deniedOnce();
  at.runtime.wallStepMs = 5_000;
  at.cluster.decides = () => ({});
  expect(await ask(at)).toMatchObject({ allowed: true });
});

test("a wall clock that is set back does not prolong it", async () => {
  const at = await deniedOnce();
  at.runtime.wallStepMs = -3_600_000;
  await at.runtime.pass(5_000);
  at.cluster.decides = () => ({});
  expect(await ask(at)).toMatchObject({ allowed: true });
});

test("the device's return empties it", async () => {
  const at = await deniedOnce();
  at.cluster.decides = () => ({});
  at.returned();
  expect(await ask(at)).toMatchObject({ allowed: true });
});

test("an answer under other policies empties it, whichever key it is for", async () => {
  const at = await deniedOnce();
  at.cluster.policyVersion = 2n;
  at.cluster.decides = () => ({});
  await ask(at, "another");
  expect(await ask(at)).toMatchObject({ allowed: true, source: "quorum" });
});

test("a denial that is not firm, and one of another cost, are asked for", async () => {
  const at = new PageScene();
  at.cluster.decides = () => ({ ...denied(60_000), firmForMs: 0n });
  await ask(at);
  await ask(at);
  expect(at.batches).toHaveLength(2);
  at.cluster.decides = () => denied(60_000);
  await ask(at, "k", 3);
  expect(await ask(at, "k", 3)).toMatchObject({ source: "denial-cache" });
  expect(await ask(at)).toMatchObject({ source: "quorum" });
});

test("a closed guard says so, and not what it remembered", async () => {
  const at = await deniedOnce();
  await at.guard.close();
  expect(await ask(at)).toMatchObject({ code: "closed" });
});
