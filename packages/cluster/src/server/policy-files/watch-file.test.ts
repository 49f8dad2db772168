import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WatchedFile, type WatchFileOptions, watchFile } from "./watch-file.ts";

/** What a listener was told, one event at a time. */
class Told {
  readonly #events: string[] = [];
  #waiting: ((event: string) => void) | null = null;

  tell(event: string): void {
    if (this.#waiting === null) this.#events.push(event);
    else this.#waiting(event);
    this.#waiting = null;
  }

  next(): Promise<string> {
    const event = this.#events.shift();
    if (event !== undefined) return Promise.resolve(event);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  get rest(): readonly string[] {
    return this.#events;
  }
}

let folder = "";
let file = "";
let watched: WatchedFile | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watch-file-"));
  file = join(folder, "policies.yaml");
});

afterEach(async () => {
  await watched?.close();
  watched = null;
  await rm(folder, { recursive: true, force: true });
});

function watching(options: WatchFileOptions = {}): Told {
  const told = new Told();
  watched = watchFile(
    file,
    {
      changed: (text) => told.tell(text),
      unreadable: (error) => told.tell(`unreadable: ${error.message}`),
    },
    { pollMs: 20, settleMs: 5, ...options },
  );
  return told;
}

describe("a watched file", () => {
  it("is told at once, and after every change", async () => {
    await writeFile(file, "one");
    const told = watching();
    expect(await told.next()).toBe("one");
    await writeFile(file, "two");
    expect(await told.next()).toBe("two");
  });

  it("is followed by name when an editor renames a new file over it, time after time", async () => {
    await writeFile(file, "0");
    const told = watching();
    expect(await told.next()).toBe("0");
    for (const text of ["1", "2", "3"]) {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
      expect(await told.next()).toBe(text);
    }
  });

  it("is followed through a link that is swapped, as Kubernetes does it", async () => {
    for (const version of ["a", "b"]) {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, "policies.yaml"), version);
    }
    await symlink("a", join(folder, "data"));
    await symlink(join("data", "policies.yaml"), file);
    const told = watching();
    expect(await told.next()).toBe("a");
    await symlink("b", join(folder, "next"));
    await rename(join(folder, "next"), join(folder, "data"));
    expect(await told.next()).toBe("b");
  });

  it("that is not there is complained of once, and read when it comes", async () => {
    const told = watching();
    expect(await told.next()).toMatch(/^unreadable: ENOENT/);
    await writeFile(file, "here");
    expect(await told.next()).toBe("here");
    await rm(file);
    expect(await told.next()).toMatch(/^unreadable: ENOENT/);
    await writeFile(file, "here");
    expect(await told.next()).toBe("here");
    expect(told.rest).toEqual([]);
  });

  it("is told once while its text stays the same, however often it is written", async () => {
    await writeFile(file, "same");
    const told = watching();
    expect(await told.next()).toBe("same");
    for (let i = 0; i < 3; i++) await writeFile(file, "same");
    await writeFile(file, "other");
    expect(await told.next()).toBe("other");
    expect(told.rest).toEqual([]);
  });

  it("is not read if it is too large or no file", async () => {
    await writeFile(file, "x".repeat(11));
    const told = watching({ maxBytes: 10 });
    expect(await told.next()).toBe(`unreadable: ${file} has 11 bytes: it may have 10 at most`);
    await rm(file);
    await mkdir(file);
    await watched?.close();
    expect(await watching().next()).toMatch(/^unreadable: /);
  });

  it("is told to a slow listener one version after the other, and to none after it was closed", async () => {
    await writeFile(file, "1");
    let running = 0;
    let most = 0;
    const told = new Told();
    const release: (() => void)[] = [];
    watched = watchFile(
      file,
      {
        changed: async (text) => {
          most = Math.max(most, ++running);
          told.tell(text);
          await new Promise<void>((resolve) => release.push(resolve));
          running--;
        },
        unreadable: () => {},
      },
      { pollMs: 5, settleMs: 1 },
    );
    expect(await told.next()).toBe("1");
    await writeFile(file, "2");
    release.shift()!();
    expect(await told.next()).toBe("2");
    expect(most).toBe(1);
    const closed = watched.close();
    await writeFile(file, "3");
    release.shift()!();
    await closed;
    expect(told.rest).toEqual([]);
  });
});
