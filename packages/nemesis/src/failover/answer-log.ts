import type { SteadyAnswer } from "../clients/client-report.ts";
import { isFresh } from "./trial-gap.ts";

/** What a steady caller was told so far, and the wish to be told when there is more. */
export interface AnswerLog {
  readonly answers: readonly SteadyAnswer[];
  heard(answer: SteadyAnswer): void;
  /** Resolves after so many more fresh answers. Rejects if they do not come within `timeoutMs`. */
  more(count: number, timeoutMs: number): Promise<void>;
  /** What was heard before this moment is of no more use. */
  forgetBefore(us: number): void;
}

/** A log that has heard nothing. */
export function createAnswerLog(): AnswerLog {
  let answers: SteadyAnswer[] = [];
  let fresh = 0;
  let waiting: { readonly goal: number; readonly resolve: () => void }[] = [];
  return {
    get answers() {
      return answers;
    },
    heard(answer) {
      answers.push(answer);
      if (!isFresh(answer)) return;
      fresh += 1;
      const served = waiting.filter(({ goal }) => goal <= fresh);
      waiting = waiting.filter(({ goal }) => goal > fresh);
      for (const { resolve } of served) resolve();
    },
    more(count, timeoutMs) {
      const goal = fresh + count;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`the caller was given ${count - (goal - fresh)} of ${count} answers in ${timeoutMs} ms`));
        }, timeoutMs);
        waiting.push({
          goal,
          resolve: () => {
            clearTimeout(timer);
            resolve();
          },
        });
      });
    },
    forgetBefore(us) {
      answers = answers.filter(({ endUs }) => endUs >= us);
    },
  };
}
