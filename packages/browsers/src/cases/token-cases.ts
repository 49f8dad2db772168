import assert from "node:assert/strict";
import type { BrowserCase } from "./browser-case.ts";
import { admitted } from "./in-page.ts";

/** Tokens in a page. */
export const tokenCases: readonly BrowserCase[] = [
  {
    name: "tokens are fetched anew before they are over, in mid-traffic, and no call notices",
    async run({ open, key, scene }) {
      const page = await open();
      await page.evaluate((own) => {
        subject.startTraffic(subject.visitor({ key: own, expiresIn: "2s" }), ["plenty"], 50);
      }, key);
      await scene.site.waitUntilMinted(key, 4);
      const reports = await page.evaluate(() => subject.stopTraffic());
      assert.equal(admitted(reports), reports.length);
      assert.ok(reports.length > 10, `only ${reports.length} calls`);
    },
  },
  {
    name: "a token is fetched once for many calls",
    async run({ open, key, scene }) {
      const page = await open();
      const reports = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        const told = [];
        for (let call = 0; call < 10; call++) told.push(await subject.report(visitor.guard.allow(own, "button")));
        return told;
      }, key);
      assert.equal(admitted(reports), 10);
      assert.equal(scene.site.mintedFor(key), 1);
    },
  },
  ...refused("a token that is none", "unauthenticated", "token_malformed", {
    token: "let me in",
  }),
  ...refused("another visitor's key", "permission_denied", "key_forbidden", { other: "visitor:0" }),
  ...refused("another policy", "permission_denied", "policy_forbidden", { policy: "foreign" }),
];

/** A call that is refused whatever `onUnavailable` says, by a message that says why. */
function refused(
  what: string,
  code: string,
  reason: string,
  { token, other, policy = "button" }: { readonly token?: string; readonly other?: string; readonly policy?: string },
): readonly BrowserCase[] {
  return [
    {
      name: `${what} is refused with ${reason}, even by a guard that allows what it cannot ask`,
      async run({ open, key }) {
        const page = await open();
        const report = await page.evaluate(
          (own, asked, name, secret) => {
            const options = { key: own, onUnavailable: "allow" } as const;
            const { guard } = subject.visitor(secret === null ? options : { ...options, token: secret });
            return subject.report(guard.allow(asked, name));
          },
          key,
          other ?? key,
          policy,
          token ?? null,
        );
        assert.equal(report.code, code, report.message ?? "");
        assert.equal(report.reason, reason);
      },
    },
  ];
}
