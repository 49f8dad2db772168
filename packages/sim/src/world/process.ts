/**
 * One life of a program on a virtual machine. Events that belong to a dead process never happen; those of a paused one
 * happen when it goes on, all at once, as after SIGSTOP and SIGCONT.
 */
export interface Process {
  readonly name: string;
  readonly alive: boolean;
  readonly paused: boolean;
  /** Called at death, before anything else learns of it. */
  onDeath(listener: () => void): void;
}
