import { expect, test } from "vitest";
import { deadCluster } from "./dead-cluster.ts";
import { sdkAnswers } from "./sdk-answers.ts";

const outage = {
  ...{ outages: 1, lateP99Ms: 8.83, openP50Ms: 0.06, recoveryMs: 1_169, firstSecondOverSteady: 0.71, holds: true },
  promised: { lateP99Ms: 20, openP50Ms: 1, recoveryMs: 2_000, firstSecondOverSteady: 2 },
  rounds: [
    {
      ...{ fault: "blackhole", calls: 22_510, failed: 0, recoveryMs: 1_063.4 },
      ...{ lateMs: { p50: 3.4, p99: 9.7, max: 11.8 }, openMs: { p50: 0.07, p99: 0.62, max: 12.3 } },
    },
  ],
};

test("a dead cluster: each bound beside what was measured, and a row for each outage", () => {
  expect(deadCluster.result(outage)).toContain(
    "1,169 ms after the cluster's return all answers were the quorum's, within",
  );
  expect(deadCluster.result({ ...outage, holds: false })).toContain("NOT within every bound");
  const page = deadCluster.details(outage);
  expect(page).toContain("| calls in the first second after it, of as many in a steady one | 0.71 | 2 |");
  expect(page).toContain("| every connection silent | 22,510 | 0 | 3.4 / 9.7 / 11.8 | 0.07 / 0.62 / 12.3 | 1,063 |");
});

const answer = { blocks: 3_000, meanUs: 0.42, medianUs: 0.41, p99Us: 1.18, cpuUs: 0.4, ratio: 5.6 };
const answers = {
  ...{ leaseUs: 0.42, denialUs: 0.44, bareUs: 0.09, mostUs: 0.5, within: true, overAdmitted: 0 },
  samples: { bare: { ...answer, ratio: 1 }, lease: answer, denial: answer },
  shared: { limit: 20_000, admitted: 20_000, byLease: 19_815 },
};

test("answers without the network: against the bare loop and the bound, and one key used up by leases", () => {
  expect(sdkAnswers.result(answers)).toContain(
    "0.44 µs, where the bare loop takes 0.09 µs: within the bound of 0.5 µs",
  );
  expect(sdkAnswers.result({ ...answers, within: false })).toContain("NOT within the bound");
  const page = sdkAnswers.details(answers);
  expect(page).toContain("| an admission by a lease that the process holds | 3,000 | 0.42 | 0.41 | 1.18 | 0.4 | 5.6 |");
  expect(page).toContain("Of a limit of 20,000, 20,000 were admitted, 19,815 of them by leases.");
});
