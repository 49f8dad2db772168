import type { Outcome } from "@quorumguard/pictures";
import type { Decision } from "@quorumguard/sdk-node";

/** What became of one call. */
export interface Answer {
  /** When the call was due, by `performance.now()`; its latency counts from there. */
  readonly dueAt: number;
  readonly latencyMs: number;
  readonly outcome: Outcome;
  /** The decision's source; `none` if there is no decision. */
  readonly source: Decision["source"] | "none";
  readonly error: unknown;
}

/** What is asked how often, and who wants to see each answer as it comes. */
export interface AskOptions {
  readonly everyMs: number;
  readonly ask: () => Promise<Decision>;
  readonly onAnswer: (answer: Answer) => void;
}

/** Asks when it is time, whatever became of the calls before: an outage delays no later call, and hides none. */
export function askOnSchedule({ everyMs, ask, onAnswer }: AskOptions): { stop(): Promise<readonly Answer[]> } {
  const startedAt = performance.now();
  const answers: Promise<Answer>[] = [];
  const askDueCalls = () => {
    for (;;) {
      const dueAt = startedAt + answers.length * everyMs;
      if (dueAt > performance.now()) return;
      answers.push(
        answerTo(ask, dueAt).then((answer) => {
          onAnswer(answer);
          return answer;
        }),
      );
    }
  };
  const timer = setInterval(askDueCalls, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      return await Promise.all(answers);
    },
  };
}

async function answerTo(ask: () => Promise<Decision>, dueAt: number): Promise<Answer> {
  try {
    const { allowed, degraded, source } = await ask();
    const outcome = degraded ? "degraded" : allowed ? "allowed" : "denied";
    return { dueAt, latencyMs: performance.now() - dueAt, outcome, source, error: null };
  } catch (error) {
    return { dueAt, latencyMs: performance.now() - dueAt, outcome: "failed", source: "none", error };
  }
}
