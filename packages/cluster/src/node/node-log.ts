/** What a node has to say to its operator: an event name and fields, never a formatted sentence. Must not block. */
export type NodeLog = (
  level: "debug" | "info" | "warn" | "error",
  event: string,
  fields: Readonly<Record<string, unknown>>,
) => void;
