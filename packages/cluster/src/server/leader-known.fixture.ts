import type { RunningServer } from "./start-server.ts";

/** Resolves once the node knows who leads: it listens before that. */
export function leaderKnown({ node }: RunningServer): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (node.topology().leaderId === 0) return;
      end();
      resolve();
    };
    const end = node.onTopology(look);
    look();
  });
}
