import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { WatchedFile } from "../policy-files/watch-file.ts";
import { followTokenKeys } from "./follow-token-keys.ts";
import { ed25519Key, type TestKey } from "./tokens.fixture.ts";

const [one, two] = [ed25519Key("one"), ed25519Key("two")];
const setOf = (...keys: TestKey[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

let folder = "";
let file = "";
let watched: WatchedFile | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-keys-"));
  file = join(folder, "keys.json");
});

afterEach(async () => {
  await watched?.close();
  watched = null;
  await rm(folder, { recursive: true, force: true });
});

/** Follows the file; what is told comes as events, in order: the ids in force, or an event of the log. */
async function following() {
  const events: string[] = [];
  let wake = () => {};
  const tell = (event: string) => {
    events.push(event);
    wake();
  };
  const followed = await followTokenKeys({
    file,
    log: (level, event) => {
      if (level === "error") tell(event);
    },
    changed: (keys) => tell([...keys.keys()].join(" ")),
    pollMs: 20,
    settleMs: 5,
  });
  watched = followed.watched;
  const next = async (): Promise<string> => {
    if (events.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return events.shift()!;
  };
  return { first: [...followed.keys.keys()].join(" "), next };
}

async function replace(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

it("rotates: two keys at once, and then the new one alone", async () => {
  await writeFile(file, setOf(one));
  const { first, next } = await following();
  expect(first).toBe("one");
  await replace(setOf(one, two));
  expect(await next()).toBe("one two");
  await replace(setOf(two));
  expect(await next()).toBe("two");
});

it("keeps what is in force when the file becomes no set of keys or goes, and follows on once it is back", async () => {
  await writeFile(file, setOf(one));
  const { next } = await following();
  await replace('{"keys":[]}');
  expect(await next()).toBe("token-keys-refused");
  await rm(file);
  expect(await next()).toBe("token-keys-unreadable");
  await replace(setOf(two));
  expect(await next()).toBe("two");
});

it("refuses to begin without a file, or with an odd one", async () => {
  await expect(following()).rejects.toThrow("ENOENT");
  await writeFile(file, "{}");
  await expect(following()).rejects.toThrow("keys is missing");
});
