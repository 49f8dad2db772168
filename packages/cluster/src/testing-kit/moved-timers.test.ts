import { describeTimers } from "../../../sdk-core/src/testing/timers.contract.ts";
import { GuardTime, NodeClock } from "./test-time.ts";

describeTimers("the time of a test cluster's guards", () => new GuardTime());
describeTimers("the time of a test cluster's nodes", () => new NodeClock(new GuardTime()));
