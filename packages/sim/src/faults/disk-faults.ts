import type { Excuse, NodeMachine } from "../cluster/node-host.ts";
import type { Inode } from "../disk/inode.ts";
import { decodeFrame, decodeSegmentHeader, segmentSeed } from "../production.ts";
import type { Fault, Toolbox } from "./toolbox.ts";

type DiskFault = "tornWrite" | "diskError" | "corruptWrite" | "misdirectedWrite";

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

  function tornWrite(): boolean {
    const machine = victim();
    if (machine === null || nodes.keepsWritesWhole) return false;
    impaired.add(machine);
    let done = false;
    const tear = () => {
      if (done) return;
      done = true;
      nodes.crash(machine, "vanished", ["torn", "some-sectors-kept", "front-kept"]);
      impair(machine, ms(20, 400), `restart ${machine.name}`, () => nodes.start(machine));
    };
    machine.awaitDisk = (operation, path) => {
      if (operation !== "flush" || !path.startsWith("log/")) return false;
      // At once, and not within the call: the flush is under way, and nothing of it is sure.
      later(1, "power fails in a flush", tear);
      return true;
    };
    later(150_000, "power fails", tear);
    return true;
  }

  function diskError(): boolean {
    const machine = victim();
    if (machine === null) return false;
    impaired.add(machine);
    const code = random.pick(["EIO", "EIO", "ENOSPC"]);
    const operation = code === "ENOSPC" ? "write" : random.pick(["write", "flush"] as const);
    note(`the next ${operation} of ${machine.name} fails with ${code}`);
    machine.nextError = { operation, error: Object.assign(new Error(`${code}: ${operation}`), { code }) };
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
    return true;
  }

  /** Stops a node, damages what it wrote long ago, and lets it find out. */
  function damage(how: (machine: NodeMachine) => string | null): boolean {
    const machine = victim();
    if (machine === null || toolbox.ruined.has(machine) || !toolbox.mayRuin()) return false;
    nodes.crash(machine, "killed");
    impaired.add(machine);
    const what = how(machine);
    if (what === null) {
      impair(machine, ms(20, 200), `restart ${machine.name}`, () => nodes.start(machine));
      return false;
    }
    note(`the disk of ${machine.name} ${what}`);
    toolbox.ruined.add(machine);
    // From now on another node that forgets its last write could wait for this one for ever (SEMANTICS N2, its price).
    nodes.keepsWritesWhole = true;
    machine.excuses.add({
      explains: (error) => error.name === "StorageError",
      failed() {
        toolbox.rare.hit("damageDetected");
        nodes.crash(machine, "killed");
        // Its operator lets the others repair what is sound enough for that, or gives it up.
        if (!machine.repairs && random.chance(0.6)) {
          machine.repairs = true;
          toolbox.mend(machine, ms(20, 200));
        } else toolbox.lost.add(machine);
      },
    });
    const restart = () => {
      impaired.delete(machine);
      nodes.start(machine);
    };
    world.schedule(ms(20, 300), null, `restart ${machine.name}`, restart);
    return true;
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

  /** A frame that went elsewhere: its place is as it was before, and another place is not. A later frame proves that it was there. */
  function misplace(machine: NodeMachine): string | null {
    const path = folder(machine, "log").findLast((name) => name.endsWith(".seg"));
    const inode = path === undefined ? undefined : machine.disk.file(path);
    if (path === undefined || inode === undefined) return null;
    const places = framesOf(inode);
    const last = places.pop();
    if (last === undefined || places.length === 0) return null;
    const place = random.pick(places);
    const bytes = inode.read(place.from, place.to - place.from);
    const targets = places.filter(({ from }) => from !== place.from && from + bytes.length <= last.from);
    const free = last.to + sectorBytes * random.below(8);
    const target = targets.length > 0 && random.chance(0.5) ? random.pick(targets).from : free;
    if (target + bytes.length > inode.size) return null;
    inode.damage(place.from, new Uint8Array(bytes.length));
    inode.damage(target, bytes);
    return `wrote to ${target} of ${path} what belongs to ${place.from}`;
  }

  return {
    tornWrite,
    diskError,
    corruptWrite: () => damage(flipBit),
    misdirectedWrite: () => damage(misplace),
  };
}

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
