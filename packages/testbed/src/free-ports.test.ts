import { expect, it } from "vitest";
import { freePorts } from "./free-ports.ts";

it("no port is handed out twice, by one call after the other or by calls at once, though none is bound", async () => {
  const first = await freePorts(30);
  const rest = await Promise.all(Array.from({ length: 30 }, () => freePorts(10)));
  const all = [...first, ...rest.flat()];
  expect(new Set(all).size).toBe(330);
});

it("an end of the ports is told, not waited for", async () => {
  await expect(freePorts(501)).rejects.toThrow(/^of 500 ports, only \d+ are free$/);
  expect(await freePorts(1)).toHaveLength(1);
});
