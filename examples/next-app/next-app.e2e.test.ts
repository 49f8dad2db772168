import { runExample } from "@quorumguard/testbed";
import { expect, it } from "vitest";
import type { Answer } from "./main.ts";

// Next builds the site in seconds, unless other work has both cores.
it("a real Next limits its routes, by handler and by proxy, and does not notice the leader's death", {
  timeout: 400_000,
}, async () => {
  const { code, stdout, stderr } = await runExample("next-app", "--json");
  expect(code, stderr).toBe(0);
  const { answers } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { answers: readonly Answer[] };
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429, 200, 200]);

  const [first, denied, forged, after, ping] = [answers[0]!, answers[5]!, answers[6]!, answers[7]!, answers[8]!];
  expect(first.headers).toMatchObject({
    "ratelimit-policy": '"quote";q=5;w=60',
    ratelimit: '"quote";r=4;t=60',
    "quorumguard-source": "quorum",
  });
  expect(first.body).toEqual({ quote: "Nothing acknowledged is lost." });
  for (const { headers, body } of [denied, forged]) {
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(headers.ratelimit).toBe(`"quote";r=0;t=${headers["retry-after"]}`);
    expect(body).toMatchObject({ status: 429, "violated-policies": ["quote"] });
  }
  expect(after.headers).toMatchObject({ ratelimit: '"quote";r=4;t=60', "quorumguard-source": "quorum" });
  // The proxy's fields reach the answer of the route behind it.
  expect(ping.headers).toMatchObject({ "ratelimit-policy": '"api";q=100;w=60', ratelimit: '"api";r=99;t=60' });
  expect(ping.body).toEqual({ pong: true });
});
