import { describeTimers } from "../../../sdk-core/src/testing/timers.contract.ts";
import { createSystemClock } from "./system-clock.ts";

describeTimers("a node's clock", createSystemClock);
