/** What differs between two runs of the same commands, and what stands for it on both sides. */
const masks: readonly (readonly [RegExp, string])[] = [
  [/[ \t]+/g, " "],
  [/\b\d+ KiB/g, "# KiB"],
  [/\badded \d+ packages in \S+/g, "added # packages in #"],
  [/^ \d \d+ (leads|follows) \S+ \S+$/gm, "# # $1 # #"],
  [/^ node \d leads \(term \d+\); data/gm, " node # leads (term #); data"],
  [/"pid":\d+/g, '"pid":#'],
  [/"role":"(leader|follower)","term":\d+,"leaderId":\d/g, '"role":"#","term":#,"leaderId":#'],
  [/\/\S*\/quorumguard-dev-\w+/g, "/tmp/quorumguard-dev-#"],
  [/^cluster [0-9a-f]{32}: node \d leads \(term \d+\)/gm, "cluster #: node # leads (term #)"],
  [/\bnode \d (leads a|does not answer)/g, "node # $1"],
  [/^node \d: ended/gm, "node #: ended"],
  // Seconds until something: a slow machine may have used some of the window.
  [/(?<=;t=|^Retry-After: )(2[4-9]\d|300)$/gm, "about 300"],
  // A refusal is exact either way; which way is the leader's choice by how lately it heard from the others.
  [/^(not now, \w+: limited) \((leader|quorum)\)$/gm, "$1 (exact)"],
  [/(?<=^HTTP\/1\.1 429 (?:.+\n)+QuorumGuard-Source: )(leader|quorum)$/gm, "exact"],
  [/(?<="(index|stampUs)":)"\d+"/g, '"#"'],
  // A row of `status`: which node leads, and how far its log is, is chance; the roles, the keys and the sessions are not.
  [/^\d (leader|follower) \d \d+ \d+ \d+ \d+ (\d+) (\d+) \S+ \S+$/gm, "# $1 # # # # # $2 $3 # #"],
  // A row of `member list`: how far a log is, and how long ago a node was heard of.
  [/^(\d) (voter|learner) (\S+) \d+ \d+ (never|\d+ m?s ago)$/gm, "$1 $2 $3 # # #"],
  [/^\d down (– ){7}\S+ \S+$/gm, "# down # #"],
];

/** Lines whose order among their neighbours is chance. */
const unordered = /^# (# leads|# follows|leader|follower|down) |^node #: ended/;

function plain(text: string): readonly string[] {
  const masked = masks.reduce((left, [pattern, stand]) => left.replace(pattern, stand), text.replaceAll("\r", ""));
  const lines = masked.split("\n").map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  return sortRuns(lines);
}

function sortRuns(lines: readonly string[]): readonly string[] {
  const sorted: string[] = [];
  let run: string[] = [];
  for (const line of [...lines, ""]) {
    if (unordered.test(line)) run.push(line);
    else {
      sorted.push(...run.sort(), line);
      run = [];
    }
  }
  return sorted.slice(0, -1);
}

/** Null if a command printed what the page shows, where `…` is any rest of a line or any lines; else both, to compare. */
export function describeDifference(shown: string, printed: string): string | null {
  const [wanted, found] = [plain(shown), plain(printed)];
  const escaped = wanted.map((line) =>
    line.trim() === "…"
      ? "(?:.*\\n)*?"
      : `${line
          .split("…")
          .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
          .join(".*")}\\n`,
  );
  if (new RegExp(`^${escaped.join("")}$`).test(found.map((line) => `${line}\n`).join(""))) return null;
  return `the page shows\n${wanted.join("\n")}\nand it printed\n${found.join("\n")}`;
}
