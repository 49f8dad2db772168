import { describeTimers } from "../../sdk-core/src/testing/timers.contract.ts";
import { webRuntime } from "./web-runtime.ts";

describeTimers("the web's runtime", () => webRuntime);
