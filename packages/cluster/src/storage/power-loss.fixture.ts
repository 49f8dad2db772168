import { writeSync } from "node:fs";
import { openForgetfulFileSystem } from "./forgetful-file-system.ts";
import { confState, entriesFrom, openForTest } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";

/**
 * The process that loses its power: appends, snapshots and compacts without end, and writes every acknowledged index to its
 * standard output, until it is killed. With "early" as its second argument it is the planted bug: it acknowledges what
 * it only handed in.
 */
const [root = "", mode = "durable"] = process.argv.slice(2);

const files = await openForgetfulFileSystem({ root });
const storage = await openForTest(files, { monotonicMs: () => performance.now() });

function acknowledge(index: number): void {
  writeSync(1, `${index}\n`);
}

async function append(to: Storage): Promise<void> {
  const index = to.lastIndex() + 1;
  const count = 1 + (index % 5);
  const hardState = { term: 1, vote: 3, commit: index - 1 };
  await new Promise<void>((resolve) => {
    to.append({ hardState, entries: entriesFrom(index, count, 1, 900), snapshot: null }, () => {
      acknowledge(index + count - 1);
      resolve();
    });
    if (mode === "early") {
      acknowledge(index + count - 1);
      process.kill(process.pid, "SIGKILL");
    }
  });
}

async function snapshot(of: Storage): Promise<void> {
  const index = of.lastIndex();
  const writer = await of.writeSnapshot({ index, term: 1, confState });
  await writer.write(Buffer.from(`the state at ${index}`));
  await writer.commit();
  await of.compact(index);
}

for (let round = 1; ; round += 1) {
  await append(storage);
  if (round % 60 === 0) await snapshot(storage);
}
