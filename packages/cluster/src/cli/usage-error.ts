/** The command was not used as its help says. The message names the flag, its value and what it wants; exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
