import { casRegister } from "../linearizability/cas-register.ts";
import { type CheckOptions, type CheckResult, checkLinearizability } from "../linearizability/check-linearizability.ts";
import { createKeyValueModel } from "../linearizability/key-value.ts";
import { HistoryError } from "./history-error.ts";
import { readKeyValueLog } from "./read-key-value-log.ts";
import { readRegisterLog } from "./read-register-log.ts";

/**
 * Judges the text of a history file; its form is seen from its content: maps are a key-value store's, anything else with
 * operations in it is a register's.
 *
 * @throws {HistoryError} when it is neither, or a line cannot be understood.
 */
export function checkHistoryText(text: string, options: CheckOptions): CheckResult {
  if (/^\s*\{/m.test(text)) {
    const operations = readKeyValueLog(text);
    return checkLinearizability(createKeyValueModel(operations), operations, options);
  }
  const operations = readRegisterLog(text);
  if (operations.length === 0)
    throw new HistoryError("no operation found: expected lines `PROCESS :invoke :read nil` or `{:process 0, …}`");
  return checkLinearizability(casRegister, operations, options);
}
