import type { Operation } from "../linearizability/model.ts";
import { HistoryError } from "./history-error.ts";

/** One line of a history file. Its time is its place in the file: the order of lines is all that the file tells. */
export interface HistoryEvent<Input, Output> {
  readonly line: number;
  readonly process: string;
  readonly type: "invoke" | "ok" | "fail" | "info";
  /** What was asked; of an invocation. */
  readonly input: Input | null;
  /** What an operation that was asked came to, if this line ends it. */
  complete(input: Input): Completion<Output>;
}

/**
 * How an operation ended. Dropped: it surely had no effect and told nothing, as a read that timed out. Unknown: it may take
 * effect at any later time, or never.
 */
export type Completion<Output> =
  | { readonly kind: "done"; readonly output: Output }
  | { readonly kind: "dropped" }
  | { readonly kind: "unknown"; readonly output: Output };

/**
 * Joins invocations with their ends, by process. A process that begins anew, or whose history ends, without an end of its
 * last operation leaves that one unknown.
 *
 * @throws {HistoryError} when an end has no beginning.
 */
export function pairEvents<Input, Output>(
  events: readonly HistoryEvent<Input, Output>[],
  abandoned: (input: Input) => Completion<Output>,
): Operation<Input, Output>[] {
  const operations: Operation<Input, Output>[] = [];
  const open = new Map<string, { readonly input: Input; readonly callAt: number }>();
  const close = (process: string, completion: (input: Input) => Completion<Output>, at: number) => {
    const { input, callAt } = open.get(process)!;
    open.delete(process);
    const ended = completion(input);
    if (ended.kind === "dropped") return;
    const returnAt = ended.kind === "done" ? at : Number.POSITIVE_INFINITY;
    operations.push({ clientId: process, input, output: ended.output, callAt, returnAt });
  };
  for (const { line, process, type, input, complete } of events) {
    if (type === "invoke") {
      if (open.has(process)) close(process, abandoned, line);
      open.set(process, { input: input!, callAt: line });
    } else if (open.has(process)) close(process, complete, line);
    else throw new HistoryError(`line ${line}: process ${process} ends (:${type}) what it never began`);
  }
  for (const process of [...open.keys()]) close(process, abandoned, Number.POSITIVE_INFINITY);
  return operations;
}
