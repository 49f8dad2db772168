import type { Excuse, NodeMachine } from "../cluster/node-host.ts";
import type { SpoilWrite } from "../disk/disk-files.ts";
import type { Inode } from "../disk/inode.ts";
import { decodeFrame, decodeSegmentHeader, segmentSeed } from "../production.ts";
import type { Fault, Toolbox } from "./toolbox.ts";

type DiskFault = "tornWrite" | "diskError" | "bitRot" | "corruptWrite" | "misdirectedWrite";

const sectorBytes = 512;

/** Where a frame stands in a segment. */
interface Place {
  readonly from: number;
  readonly to: number;
}

/** What befalls what was written. */
export function createDiskFaults(toolbox: Toolbox): Readonly<Record<DiskFault, Fault>> {
  const { world, random, nodes, note, ms, later, victim, impair, impaired } = toolbox;
  const folder = (machine: NodeMachine, name: string) => machine.disk.list(name).map((file) => `${name}/${file}`);

  function tornWrite(): boolean | "waits" {
    const machine = victim();
    if (machine === null || nodes.keepsWritesWhole) return false;
    impaired.add(machine);
    let done = false;
    const tear = () => {
      if (done) return;
      done = true;
      const before = machine.tap.torn;
      // Most frames have one sector, of which only the first mode leaves a part.
      nodes.crash(machine, "vanished", ["torn", "torn", "torn", "some-sectors-kept", "front-kept"]);
      if (machine.tap.torn > before) toolbox.count("tornWrite");
      impair(machine, ms(20, 400), `restart ${machine.name}`, () => nodes.start(machine));
    };
    machine.awaitDisk = (operation, path) => {
      if (operation !== "flush" || !path.startsWith("log/") || machine.tap.pending === 0) return false;
      // At once, and not within the call: the flush is under way, and nothing of it is sure.
      later(1, "power fails in a flush", tear);
      return true;
    };
    later(150_000, "power fails", tear);
    return "waits";
  }

  function diskError(): boolean | "waits" {
    const machine = victim();
    if (machine === null) return false;
    impaired.add(machine);
    const code = random.pick(["EIO", "EIO", "ENOSPC"]);
    const operation = code === "ENOSPC" ? "write" : random.pick(["write", "flush"] as const);
    note(`the next ${operation} of ${machine.name} fails with ${code}`);
    machine.nextError = {
      operation,
      error: Object.assign(new Error(`${code}: ${operation}`), { code }),
      struck: () => toolbox.count(code === "ENOSPC" ? "diskFull" : "diskError"),
    };
    const excuse: Excuse = {
      explains: (error) => error.message.includes(code),
      failed() {
        machine.excuses.delete(excuse);
        toolbox.rare.hit("storageErrorStoppedNode");
        // What the failed flush should have made durable may be gone from the page cache too.
        nodes.crash(machine, random.chance(0.5) ? "vanished" : "killed");
        toolbox.mend(machine, ms(20, 400));
      },
    };
    machine.excuses.add(excuse);
    // A full disk need not stop a node that has room left in what it prepared.
    later(300_000, `${machine.name} has its error behind it`, () => {
      if (machine.running !== null) impaired.delete(machine);
    });
    return "waits";
  }

  /** From now on its operator is to expect damage on this machine, and nobody else may lose a write. */
  function expectDamage(machine: NodeMachine): void {
    toolbox.ruined.add(machine);
    machine.mayForget = true;
    // Another node that forgets its last write could wait for this one for ever (SEMANTICS N2, its price).
    nodes.keepsWritesWhole = true;
    machine.excuses.add({
      explains: (error) => error.name === "StorageError",
      failed() {
        toolbox.rare.hit("damageDetected");
        nodes.crash(machine, "killed");
        // Its operator lets the others repair what is sound enough for that, or gives it up.
        if (!machine.repairs && !toolbox.lost.has(machine) && random.chance(0.6)) {
          machine.repairs = true;
          toolbox.mend(machine, ms(20, 200));
        } else toolbox.lost.add(machine);
      },
    });
  }

  function restartSoon(machine: NodeMachine): void {
    world.schedule(ms(20, 300), null, `restart ${machine.name}`, () => {
      impaired.delete(machine);
      if (!toolbox.lost.has(machine)) nodes.start(machine);
    });
  }

  /** Stops a node, damages what it wrote long ago, and lets it find out. */
  function bitRot(): boolean {
    const machine = victim();
    if (machine === null || toolbox.ruined.has(machine) || !toolbox.mayRuin()) return false;
    nodes.crash(machine, "killed");
    impaired.add(machine);
    const what = flipBit(machine);
    if (what === null) {
      impair(machine, ms(20, 200), `restart ${machine.name}`, () => nodes.start(machine));
      return false;
    }
    note(`the disk of ${machine.name} ${what}`);
    expectDamage(machine);
    restartSoon(machine);
    return true;
  }

  /** The disk does something else with one of the frames to come, and the node goes on until somebody kills it. */
  function spoil(kind: "corruptWrite" | "misdirectedWrite", how: Spoiling): Fault {
    return () => {
      const machine = victim();
      if (machine === null || toolbox.ruined.has(machine) || !toolbox.mayRuin()) return false;
      impaired.add(machine);
      toolbox.ruined.add(machine);
      nodes.keepsWritesWhole = true;
      let isDone = false;
      const spoiled = (what: string) => {
        isDone = true;
        machine.spoilWrite = null;
        note(`the disk of ${machine.name} ${what}`);
        toolbox.count(kind);
        expectDamage(machine);
        later(ms(20, 400), `${machine.name} is killed`, () => {
          nodes.crash(machine, "killed");
          impaired.add(machine);
          restartSoon(machine);
        });
      };
      machine.spoilWrite = how(spoiled);
      later(400_000, "the disk recovers", () => {
        if (isDone) return;
        machine.spoilWrite = null;
        impaired.delete(machine);
        toolbox.ruined.delete(machine);
        nodes.keepsWritesWhole = toolbox.ruined.size > 0;
      });
      return "waits";
    };
  }

  /** Any bit of any file. */
  function flipBit(machine: NodeMachine): string | null {
    const files = [...folder(machine, "log"), ...folder(machine, "snapshots"), "meta", "identity"];
    const path = random.pick(files);
    const inode = machine.disk.file(path);
    if (inode === undefined || inode.size === 0) return null;
    const places = path.endsWith(".seg") ? framesOf(inode) : [];
    const place = places.length > 0 && random.chance(0.8) ? random.pick(places) : { from: 0, to: inode.size };
    const at = place.from + random.below(place.to - place.from);
    inode.damage(at, Uint8Array.of(inode.read(at, 1)[0]! ^ (1 << random.below(8))));
    return `has a bit of ${path} wrong at ${at}`;
  }

  const corrupt: Spoiling = (spoiled) => (path, _inode, position, piece) => {
    if (!isFrame(path, position, piece)) return null;
    const at = random.below(piece.length);
    // A copy also of a Buffer, whose slice is none.
    const put = Uint8Array.from(piece);
    put[at]! ^= 1 << random.below(8);
    spoiled(`writes a bit wrong at ${position + at} of ${path}`);
    return put;
  };

  /**
   * A frame is put elsewhere as the next one is written: its place is as it was before, and another place is not. The next frame
   * proves that it was there, and comes and goes with it when power fails, since writes are kept whole by then.
   */
  const misdirect: Spoiling = (spoiled) => {
    let held: {
      readonly inode: Inode;
      readonly from: number;
      readonly bytes: Uint8Array;
      readonly old: Uint8Array;
    } | null = null;
    return (path, inode, position, piece) => {
      if (!isFrame(path, position, piece)) return null;
      if (held === null || held.inode !== inode || position !== held.from + held.bytes.length) {
        held = { inode, from: position, bytes: Uint8Array.from(piece), old: inode.read(position, piece.length) };
        return null;
      }
      const { from, bytes, old } = held;
      const older = framesOf(inode).filter((place) => place.from + bytes.length <= from);
      const free = position + piece.length + sectorBytes * random.between(8, 16);
      const target = older.length > 0 && random.chance(0.5) ? random.pick(older).from : free;
      if (old.length < bytes.length || target + bytes.length > inode.size) return null;
      inode.write(from, old);
      inode.write(target, bytes);
      spoiled(`puts at ${target} of ${path} what was written to ${from}`);
      return null;
    };
  };

  return {
    tornWrite,
    diskError,
    bitRot,
    corruptWrite: spoil("corruptWrite", corrupt),
    misdirectedWrite: spoil("misdirectedWrite", misdirect),
  };
}

/** What a bad disk does; `spoiled` is to be told what it did, once it has. */
type Spoiling = (spoiled: (what: string) => void) => SpoilWrite;

const isFrame = (path: string, position: number, piece: Uint8Array) =>
  path.startsWith("log/") && position >= sectorBytes && piece.length >= sectorBytes && piece.some((byte) => byte !== 0);

/** The frames of a segment, in order. */
function framesOf(inode: Inode): Place[] {
  const bytes = Buffer.from(inode.read(0, inode.size));
  const header = decodeSegmentHeader(bytes);
  if (!("segmentId" in header)) return [];
  const seed = segmentSeed(header.segmentId);
  const places: Place[] = [];
  for (let from = sectorBytes; from < bytes.length; ) {
    const frame = decodeFrame(bytes, from, seed);
    if (frame === null) break;
    places.push({ from, to: frame.end });
    from = frame.end;
  }
  return places;
}
