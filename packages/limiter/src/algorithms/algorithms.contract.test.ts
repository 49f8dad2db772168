import { NaiveBucket, NaiveFixedWindow, NaiveLog, NaiveSlots, NaiveWindowCounter } from "../testing/naive-counters.ts";
import { describeAlgorithm } from "./algorithm.contract.ts";
import { concurrency } from "./concurrency.ts";
import { fixedWindow } from "./fixed-window.ts";
import { slidingWindowCounter } from "./sliding-window-counter.ts";
import { slidingWindowLog } from "./sliding-window-log.ts";
import { tokenBucket } from "./token-bucket.ts";

describeAlgorithm("sliding-window log", {
  algorithm: slidingWindowLog,
  createModel: () => new NaiveLog(),
  hasBurst: false,
});
describeAlgorithm("token bucket", { algorithm: tokenBucket, createModel: () => new NaiveBucket(), hasBurst: true });
describeAlgorithm("sliding-window counter", {
  algorithm: slidingWindowCounter,
  createModel: () => new NaiveWindowCounter(),
  hasBurst: false,
});
describeAlgorithm("fixed window", {
  algorithm: fixedWindow,
  createModel: () => new NaiveFixedWindow(),
  hasBurst: false,
});
describeAlgorithm("concurrency", { algorithm: concurrency, createModel: () => new NaiveSlots(), hasBurst: false });
