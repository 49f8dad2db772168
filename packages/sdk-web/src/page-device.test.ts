import { expect, test } from "vitest";
import { VirtualRuntime } from "../../sdk-core/src/testing/virtual-runtime.ts";
import { createPageDevice } from "./page-device.ts";

/** A page's scope, and how often the device was said to be back. */
function scene() {
  const runtime = new VirtualRuntime();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const navigator = { onLine: true };
  const scope = Object.assign(new EventTarget(), { navigator, document });
  const device = createPageDevice(runtime, true, scope);
  let returns = 0;
  const end = device.onReturn(() => {
    returns += 1;
  });
  return { runtime, document, navigator, scope, device, end, returns: () => returns };
}

test("what the platform says of the network is read each time", () => {
  const { navigator, device } = scene();
  expect([device.isOffline(), device.isCutOff()]).toEqual([false, false]);
  navigator.onLine = false;
  expect([device.isOffline(), device.isCutOff()]).toEqual([true, true]);
  const near = createPageDevice(new VirtualRuntime(), false, { navigator });
  expect([near.isOffline(), near.isCutOff()]).toEqual([true, false]);
});

test("a scope that says nothing is online, and has nothing to listen to", () => {
  const device = createPageDevice(new VirtualRuntime(), true, {});
  expect(device.isOffline()).toBe(false);
  device.onReturn(() => {})();
});

test("it is back when the network is, when the page was frozen, and when it comes out of the back button's cache", () => {
  const { scope, document, end, returns } = scene();
  scope.dispatchEvent(new Event("online"));
  expect(returns()).toBe(1);
  document.dispatchEvent(new Event("resume"));
  expect(returns()).toBe(2);
  scope.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  expect(returns()).toBe(2);
  scope.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  expect(returns()).toBe(3);
  end();
  scope.dispatchEvent(new Event("online"));
  expect(returns()).toBe(3);
});

test("a worker, which is told of no event, is back at its first call after sleep", () => {
  const runtime = new VirtualRuntime();
  const device = createPageDevice(runtime, true, {});
  let returns = 0;
  const end = device.onReturn(() => {
    returns += 1;
  });
  runtime.nowMs += 60_000;
  device.isCutOff();
  expect(returns).toBe(0);
  runtime.wallStepMs += 1_000;
  device.isCutOff();
  device.isCutOff();
  expect(returns).toBe(1);
  end();
  runtime.wallStepMs += 1_000;
  device.isCutOff();
  expect(returns).toBe(1);
});

test("a page that is shown again is back only if the device has slept meanwhile", () => {
  const { runtime, document, returns } = scene();
  const shown = () => document.dispatchEvent(new Event("visibilitychange"));
  runtime.nowMs += 60_000;
  shown();
  expect(returns()).toBe(0);
  runtime.wallStepMs += 1_000;
  document.visibilityState = "hidden";
  shown();
  expect(returns()).toBe(0);
  document.visibilityState = "visible";
  shown();
  expect(returns()).toBe(1);
  shown();
  expect(returns()).toBe(1);
});
