/** A page of React's, in StrictMode: a button that gets limited. `?key=…` says who the visitor is. */
import { useRateLimit } from "@quorumguard/sdk-web/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { type CallReport, createSubject } from "./subject.ts";

const subject = createSubject();
const key = new URL(location.href).searchParams.get("key") ?? "";
const visitor = subject.visitor({ key });

/** What a case does to the page, beside what a person can. */
export interface ReactSubject {
  /** Requests of attempts that the cluster has answered so far. */
  requests(): number;
  /** Attempts, and takes the component away before there can be an answer. */
  unmountInFlight(): Promise<CallReport>;
}

let attempt: () => Promise<unknown> = () => Promise.reject(new Error("nothing is mounted"));

function Press() {
  const limit = useRateLimit(visitor.guard, key, "countdown");
  attempt = limit.attempt;
  return (
    <>
      <button type="button" id="press" {...limit.buttonProps}>
        Press
      </button>
      <output id="remaining">{limit.remaining ?? "unknown"}</output>
      <output id="seconds">{limit.secondsLeft ?? "none"}</output>
      <p id="announcement" aria-live="polite">
        {limit.announcement}
      </p>
    </>
  );
}

const root = createRoot(document.getElementById("main")!);
root.render(
  <StrictMode>
    <Press />
  </StrictMode>,
);

const reactSubject: ReactSubject = {
  requests: () => visitor.answers("AllowBatch"),
  unmountInFlight() {
    const report = subject.report(attempt());
    root.unmount();
    return report;
  },
};
(globalThis as { reactSubject?: ReactSubject }).reactSubject = reactSubject;
document.title = "ready";
