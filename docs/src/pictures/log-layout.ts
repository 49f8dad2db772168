/** One field of a header of the log, in the order of its bytes. */
export interface LogField {
  readonly name: string;
  readonly bytes: number;
  /** Where there is room for two words only. */
  readonly short?: string;
}

/** What precedes every frame. A test writes a real frame and finds every field where this says. */
export const frameHeader: readonly LogField[] = [
  { name: 'magic "QGfr"', short: "magic", bytes: 4 },
  { name: "flags", bytes: 4 },
  { name: "entries", bytes: 4 },
  { name: "body bytes", short: "bytes", bytes: 4 },
  { name: "sequence", bytes: 8 },
  { name: "index of first entry", short: "first index", bytes: 8 },
  { name: "term", bytes: 8 },
  { name: "vote", bytes: 8 },
  { name: "commit", bytes: 8 },
  { name: "snapshot index", bytes: 8 },
  { name: "snapshot term", bytes: 8 },
  { name: "CRC body", short: "CRC", bytes: 4 },
  { name: "CRC head", short: "CRC", bytes: 4 },
];

/** What precedes the data of every entry in a frame. */
export const entryHeader: readonly LogField[] = [
  { name: "term", bytes: 8 },
  { name: "bytes", bytes: 4 },
  { name: "type", bytes: 4 },
];

/** The first bytes of a segment; the rest of its first sector is zero. */
export const segmentHeader: readonly LogField[] = [
  { name: 'magic "QGsg"', short: "magic", bytes: 4 },
  { name: "version", bytes: 4 },
  { name: "cluster id", bytes: 16 },
  { name: "node id", bytes: 8 },
  { name: "segment id", bytes: 8 },
  { name: "first sequence", short: "sequence", bytes: 8 },
  { name: "previous segment", short: "previous", bytes: 8 },
  { name: "prepared bytes", short: "prepared", bytes: 8 },
  { name: "CRC", bytes: 4 },
];

/** A frame fills whole sectors of this many bytes. */
export const sectorBytes = 512;
