import type { ClientProcesses } from "../clients/client-processes.ts";
import type { NemesisCluster } from "../nodes/nemesis-cluster.ts";
import type { Random } from "../random.ts";

/** What a fault acts on. */
export interface FaultScene {
  readonly cluster: NemesisCluster;
  readonly clients: ClientProcesses;
  readonly random: Random;
  /** Counts the fault, and says what happens. */
  happened(kind: string, what: string): void;
  /** Resolves after so long, or at once when the nemesis ends. */
  pause(ms: number): Promise<void>;
}

/** What two faults at one time must not share. */
export interface FaultNeeds {
  /** How many nodes it takes for itself. */
  readonly nodes: number | "all";
  readonly network: boolean;
}

/** One way to harm a cluster, and to make up for it: when `run` resolves, nothing is left of it. */
export interface Fault {
  readonly kind: string;
  readonly needs: FaultNeeds;
  /** Why it cannot be done here; null: it can. */
  skipReason(scene: FaultScene): string | null;
  /** @param victims The nodes that are its own meanwhile. */
  run(scene: FaultScene, victims: readonly number[]): Promise<void>;
}

/** A fault that can be done everywhere. */
export function fault(
  kind: string,
  needs: Partial<FaultNeeds>,
  run: Fault["run"],
  skipReason: Fault["skipReason"] = () => null,
): Fault {
  return { kind, needs: { nodes: 0, network: false, ...needs }, skipReason, run };
}
