/**
 * Why `go install` failed, in one line, from what it wrote: the end of its last message. The message names the module up to three
 * times, and addresses of servers that readers elsewhere do not have.
 */
export function goFailure(output: string): string {
  const told = output.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("go: downloading "));
  // What a server answered is indented below the message that it belongs to.
  const begin = told.findLastIndex((line) => !/^\s/.test(line));
  const [last = "go said nothing", ...answers] = told.slice(Math.max(0, begin)).map((line) => line.trim());
  const cause = last.replace(/^.*\breading https?:\/\/\S+: /, "").replace(/^go: (\S+@\S+: )*/, "");
  return [`${whatFailed(last)}: ${cause}`, ...answers].join(", ");
}

function whatFailed(message: string): string {
  if (/\bverifying (go\.)?mod(ule)?\b/.test(message))
    return "the module could not be verified by the checksum database";
  if (/\breading https?:|module lookup disabled|dial tcp/.test(message)) return "the module could not be downloaded";
  return "it could not be built";
}
