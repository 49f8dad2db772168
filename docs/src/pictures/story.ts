import type { Picture } from "@quorumguard/pictures";
import { drawSequence, type Lane, type SequenceStep } from "./sequence.ts";

/** Who says what to whom, among two or three, and what it shows in words. */
export interface Story {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly lanes: readonly [Lane, Lane] | readonly [Lane, Lane, Lane];
  readonly steps: readonly SequenceStep[];
}

/** The picture of a story, for desktops and for phones. */
export function tellStory({ name, title, description, lanes, steps }: Story): Picture {
  const isPair = lanes.length === 2;
  return {
    name,
    title,
    description,
    wide: drawSequence(lanes, steps, { width: 720, size: 14, laneX: isPair ? [180, 540] : [100, 360, 620] }),
    narrow: drawSequence(lanes, steps, { width: 328, size: 12, laneX: isPair ? [70, 258] : [34, 164, 294] }),
  };
}
