import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { Links } from "./links.ts";

/** One direction of a connection: what is sent arrives in order, or never, or waits while the direction is cut. */
export interface Channel {
  send(label: string, deliver: () => void): void;
  /** Outside the order: at once on its way, whatever is still under way before it. */
  sendLoose(label: string, extraUs: number, deliver: () => void): void;
  /** What was held back goes on. */
  release(): void;
  close(): void;
}

/**
 * An open direction over links that may be cut.
 *
 * @param to In whose name things arrive.
 * @param machines Names of the machines at both ends, as {@link Links} knows them.
 * @param onLoss Given for a byte stream: once something was lost nothing more arrives, and this is called, once.
 */
export function createChannel(
  world: World,
  links: Links,
  random: Random,
  to: Process,
  machines: { readonly from: string; readonly to: string },
  onLoss?: () => void,
): Channel {
  const held: { readonly label: string; readonly deliver: () => void }[] = [];
  let open = true;
  let torn = false;
  let lastUs = 0;

  function dispatch(label: string, deliver: () => void): void {
    const arriveUs = Math.max(lastUs, world.nowUs + links.delayUs(random));
    lastUs = arriveUs;
    world.schedule(arriveUs - world.nowUs, to, label, () => {
      if (open) deliver();
    });
  }

  return {
    send(label, deliver) {
      if (!open || torn) return;
      const cut = links.mode(machines.from, machines.to);
      if (cut === "lose") {
        torn = onLoss !== undefined;
        onLoss?.();
        return;
      }
      if (cut === "hold") held.push({ label, deliver });
      else dispatch(label, deliver);
    },
    sendLoose(label, extraUs, deliver) {
      if (!open || links.isCut(machines.from, machines.to)) return;
      world.schedule(links.delayUs(random) + extraUs, to, label, () => {
        if (open) deliver();
      });
    },
    release() {
      for (const { label, deliver } of held.splice(0)) dispatch(label, deliver);
    },
    close() {
      open = false;
      held.length = 0;
    },
  };
}
