/** A mistake in the command line, in words for whoever typed it. */
export class UsageError extends Error {}
