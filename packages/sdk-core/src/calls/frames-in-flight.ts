import type { Call } from "./call.ts";

/**
 * Frames of which no call has been answered yet: enough to keep the leader busy, few enough that calls gather meanwhile. A denial
 * is answered long before the admissions beside it, and who asks next is not to wait for those.
 */
const MAX_FRAMES_UNANSWERED = 4;
/** Frames of which some call is still open: a node refuses more than 256. */
const MAX_FRAMES_IN_FLIGHT = 64;

/** What carries frames, and how many of its frames wait for their first answer, and for their last one. */
export interface FrameCarrier {
  framesUnanswered: number;
  framesInFlight: number;
}

/** A frame on its way: how many of its calls are still open, whether any has been answered, and whose room it takes up. */
export interface FrameInFlight {
  open: number;
  isAnswered: boolean;
  readonly carrier: FrameCarrier;
}

/** A frame of so many calls that leaves now. */
export function frameOnItsWay(calls: number, carrier: FrameCarrier): FrameInFlight {
  carrier.framesUnanswered += 1;
  carrier.framesInFlight += 1;
  return { open: calls, isAnswered: false, carrier };
}

/** Whether another frame may leave. */
export function hasRoom({ framesUnanswered, framesInFlight }: FrameCarrier): boolean {
  return framesUnanswered < MAX_FRAMES_UNANSWERED && framesInFlight < MAX_FRAMES_IN_FLIGHT;
}

/** The call was answered: whoever carries its frame is through with it, but for what is still to be decided. */
export function answerFrame(call: Call): void {
  if (call.frame !== null) noteAnswer(call.frame);
  releaseFrame(call);
}

function noteAnswer(frame: FrameInFlight): void {
  if (frame.isAnswered) return;
  frame.isAnswered = true;
  frame.carrier.framesUnanswered -= 1;
}

/** The call no longer counts as open in its frame; the last one gives all of the frame's room back. */
export function releaseFrame(call: Call): void {
  const { frame } = call;
  if (frame === null) return;
  call.frame = null;
  frame.open -= 1;
  if (frame.open > 0) return;
  noteAnswer(frame);
  frame.carrier.framesInFlight -= 1;
}
