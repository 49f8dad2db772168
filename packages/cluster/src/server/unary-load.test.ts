import { expect, test } from "vitest";
import { UnaryLoad } from "./unary-load.ts";

test("sixteen calls that wait at a time are many, and as many one after the other are not", () => {
  let told = 0;
  const load = new UnaryLoad(() => {
    told += 1;
  });
  for (let call = 0; call < 100; call++) {
    load.begin();
    load.end();
  }
  for (let call = 0; call < 15; call++) load.begin();
  expect(told).toBe(0);
  load.begin();
  expect(told).toBe(1);
});
