/** A process that does nothing but watch its event loop: what the machine delays, whoever runs on it. Started by the scenario. */
import { DelayClock } from "./delay-clock.ts";
import type { ControlReport } from "./messages.ts";

const clock = new DelayClock();
clock.begin();

process.on("message", (asked) => {
  if (asked === "begin") clock.begin();
  if (asked === "end") process.send!({ stretch: clock.end() } satisfies ControlReport);
});
process.on("disconnect", () => process.exit(0));
process.send!("ready");
