import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/**
 * Takes the real clock and real chance away while a seed runs, so that code which reaches past its injected clock (or a
 * library beneath it) still follows the seed. Timers belong to whoever runs when they are set, and die with it.
 *
 * @returns what gives them back. Runs must not overlap in one realm.
 */
export function sealGlobals(world: World, random: Random, wallMs: () => number): () => void {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    setImmediate: globalThis.setImmediate,
    clearImmediate: globalThis.clearImmediate,
    dateNow: Date.now,
    random: Math.random,
    performanceNow: performance.now,
  };

  interface VirtualTimer {
    ref(): VirtualTimer;
    unref(): VirtualTimer;
    hasRef(): boolean;
    cancel(): void;
  }
  function timer(cancel: () => void): VirtualTimer {
    const handle: VirtualTimer = { ref: () => handle, unref: () => handle, hasRef: () => false, cancel };
    return handle;
  }
  function setTimer(callback: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]): VirtualTimer {
    const delayUs = Math.max(1, Number(delayMs) || 0) * 1000;
    return timer(world.schedule(delayUs, world.current, "global timer", () => callback(...args)));
  }
  function setTurn(callback: (...args: unknown[]) => void, ...args: unknown[]): VirtualTimer {
    return timer(world.schedule(0, world.current, "global immediate", () => callback(...args)));
  }
  function refuseInterval(): never {
    throw new Error("setInterval is not available in a simulation: use the injected clock");
  }
  const clear = (handle: VirtualTimer | undefined) => handle?.cancel();

  Object.assign(globalThis, {
    setTimeout: setTimer,
    clearTimeout: clear,
    setInterval: refuseInterval,
    clearInterval: clear,
    setImmediate: setTurn,
    clearImmediate: clear,
  });
  Date.now = () => Math.floor(wallMs());
  Math.random = () => random.float();
  performance.now = () => world.nowUs / 1000;

  return () => {
    const { dateNow, random: realRandom, performanceNow, ...timers } = real;
    Object.assign(globalThis, timers);
    Date.now = dateNow;
    Math.random = realRandom;
    performance.now = performanceNow;
  };
}
