/** What one decision takes of each process at one point, in microseconds of processor, by whose they are. */
export interface PointShares {
  readonly scenario: string;
  readonly point: string;
  readonly contender: string;
  readonly decisionsPerSecond: number;
  /** By the process's role, then by part. Of followers there are two, told by one of them. */
  readonly us: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const titles: Readonly<Record<string, string>> = { follower: "each follower", servers: "its servers" };

/** A process, as headings have it. */
export const roleTitle = (role: string): string => titles[role] ?? role;

/** How many processes have a role. */
export const countOf = (role: string): number => (role === "follower" ? 2 : 1);

/** All of a process's parts together. */
export const totalOf = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((sum, one) => sum + one, 0);

/** What one decision takes of all processes together, two followers among them. */
export function allOf({ us }: PointShares): number {
  return Object.entries(us).reduce((sum, [role, parts]) => sum + countOf(role) * totalOf(parts), 0);
}

/** What a point's table is under. */
export function headingOf({ scenario, point, contender }: PointShares): string {
  return `${point} of ${scenario}: ${contender}`;
}

/** Microseconds, as people read them. */
export const shortUs = (value: number): string =>
  value.toLocaleString("en", { maximumSignificantDigits: value < 100 ? 2 : 4 });
