import type { PeerHandlers, SnapshotSource } from "../production.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { Links } from "./links.ts";

interface End {
  readonly nodeId: number;
  readonly machine: string;
  readonly process: Process;
  readonly handlers: PeerHandlers;
  readonly listening: boolean;
}

/** Copies a snapshot over a connection of its own, piece by piece. False once either end or the way between them is gone. */
export async function sendSnapshotAcross(
  world: World,
  links: Links,
  random: Random,
  { from, to }: { readonly from: End; readonly to: End },
  head: Uint8Array,
  source: SnapshotSource,
  { pieceBytes, installed }: { readonly pieceBytes: number; readonly installed: (to: number) => void },
): Promise<boolean> {
  const broken = () => !to.listening || !to.process.alive || links.isCut(from.machine, to.machine);

  /**
   * Runs one step at the receiver and comes back with its answer; null if the connection broke on the way.
   * The sender waits by a timer of its own process, so that neither end can hang on the other's death.
   */
  function remote<T>(label: string, step: () => Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      let settled = false;
      const settle = (value: T | null) => {
        if (settled) return;
        settled = true;
        stopWaiting();
        resolve(value);
      };
      const stopWaiting = world.schedule(1_000_000, from.process, `${label} timeout`, () => settle(null));
      if (broken()) return;
      world.schedule(links.delayUs(random), to.process, label, async () => {
        const value = await step().catch((error: unknown) => {
          // What the receiver cannot write ends the conversation, as a broken connection does.
          world.trace.note(world.nowUs, `${to.process.name} gives up a snapshot: ${error}`);
          return null;
        });
        if (links.isCut(to.machine, from.machine)) return;
        world.schedule(links.delayUs(random), from.process, `${label} done`, () => settle(value));
      });
    });
  }

  const sink = await remote("snapshot head", () => to.handlers.onSnapshot(from.nodeId, head.slice()));
  if (sink === null) return false;
  for (let position = 0; position < source.bytes; ) {
    const piece = (await source.read(position, Math.min(pieceBytes, source.bytes - position))).slice();
    world.trace.bytes(piece);
    const written = await remote("snapshot piece", async () => {
      await sink.write(piece);
      return true;
    });
    if (written === null) {
      world.schedule(0, to.process, "snapshot abort", () => sink.abort());
      return false;
    }
    position += piece.length;
  }
  const finish = async () => {
    const isTaken = await sink.finish();
    if (isTaken) installed(to.nodeId);
    return isTaken;
  };
  return (await remote("snapshot finish", finish)) ?? false;
}
