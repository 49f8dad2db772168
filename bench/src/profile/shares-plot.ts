import { type Colour, type Drawing, type Part, type Picture, rect, text, textWidth } from "@quorumguard/pictures";
import { plotHeading, size, width } from "../plot-heading.ts";
import { allOf, headingOf, type PointShares, roleTitle, shortUs, totalOf } from "./point-shares.ts";

/** Parts that are drawn as one. Colours repeat between lists, and each has its number in the bars and in the legend. */
interface Kind {
  readonly name: string;
  readonly colour: Colour;
  /** Empty: whatever is of no other kind. */
  readonly parts: readonly string[];
}

/** What processes do that serve calls. */
const servingKinds: readonly Kind[] = [
  { name: "limiter", colour: "accent", parts: ["limiter"] },
  {
    ...{ name: "calls and frames", colour: "denied" },
    parts: ["SDK", "server", "messages", "grpc-js", "other libraries", "the benchmark's own loop"],
  },
  {
    ...{ name: "log and replication", colour: "allowed" },
    parts: ["node", "Raft", "between nodes", "log on disk", "threads that write to disk"],
  },
  {
    ...{ name: "Node.js and V8", colour: "degraded" },
    parts: ["Node.js, its JavaScript", "garbage collection", "threads of V8: garbage collection, compiler"],
  },
  { name: "a peer's own code", colour: "failed", parts: ["the peer's own code"] },
  { name: "native code, the kernel, others", colour: "muted", parts: [] },
];

/** What the limiter does where there is nothing else. */
const limiterKinds: readonly Kind[] = [
  {
    name: "keys: hash, index, blocks",
    colour: "accent",
    parts: ["index and blocks of keys", "hashing keys and state"],
  },
  { name: "fetching ahead", colour: "degraded", parts: ["fetching ahead what comes next"] },
  { name: "the algorithm", colour: "allowed", parts: ["the algorithm"] },
  { name: "what has expired", colour: "failed", parts: ["looking for what has expired"] },
  {
    ...{ name: "sessions and slots", colour: "denied" },
    parts: ["sessions, each call exactly once", "records of slots"],
  },
  { name: "entries, calls, others", colour: "muted", parts: [] },
];

const barHeight = size * 1.3;
const labels = textWidth("sliding-window-counter", size) + size * 2;
const totals = textWidth("1,000 µs", size, "bold");

/** A heading, and bars that share a scale with all bars of that scale's name. */
interface Group {
  readonly heading: string;
  readonly note: string;
  readonly scale: string;
  readonly bars: readonly Bar[];
}

interface Bar {
  readonly label: string;
  readonly parts: Readonly<Record<string, number>>;
}

/** What a decision takes of each process at each point: a bar of its parts, as long as its microseconds beside those of the same load. */
export function sharesPlot(points: readonly PointShares[]): Picture {
  const title = "What a decision's processor time is spent on";
  const isAlone = (one: PointShares) => "process" in one.us;
  const told = points.map((one) => `${headingOf(one)}: ${shortUs(allOf(one))}`);
  const serving = points.filter((one) => !isAlone(one)).map(groupOf);
  const alone = points.filter(isAlone).map(barAlone);
  const heading = "The limiter of one node, alone, by algorithm";
  const groups = alone.length === 0 ? [] : [{ heading, note: "", scale: heading, bars: alone }];
  return {
    ...{ name: "where-time-goes", title },
    description: `Microseconds of processor that one decision takes of all processes together. ${told.join(". ")}.`,
    wide: draw(title, [
      { groups: serving, kinds: servingKinds },
      { groups, kinds: limiterKinds },
    ]),
  };
}

function groupOf(one: PointShares): Group {
  return {
    heading: headingOf(one),
    note: `${shortUs(allOf(one))} µs in all`,
    scale: `${one.point} of ${one.scenario}`,
    bars: Object.entries(one.us).map(([role, parts]) => ({ label: roleTitle(role), parts })),
  };
}

function barAlone({ point, us }: PointShares): Bar {
  return { label: point, parts: us.process! };
}

function draw(
  title: string,
  sections: readonly { readonly groups: readonly Group[]; readonly kinds: readonly Kind[] }[],
): Drawing {
  const { parts, bottom } = plotHeading(title);
  let y = bottom + size * 1.4;
  for (const { groups, kinds } of sections) {
    if (groups.length === 0) continue;
    const legend = drawLegend(kinds, y);
    parts.push(...legend.parts);
    y = legend.bottom;
    for (const group of groups) {
      const most = mostOf(groups, group.scale);
      parts.push(
        text(size, y + size, group.heading, { size, face: "bold", colour: "muted" }),
        text(width - size, y + size, group.note, { size, colour: "muted", anchor: "end" }),
      );
      y += size * 1.7;
      for (const bar of group.bars) {
        parts.push(...drawBar(bar, kinds, y, most));
        y += barHeight * 1.35;
      }
      y += size * 0.8;
    }
    y += size;
  }
  return { width, height: Math.ceil(y), parts };
}

function mostOf(groups: readonly Group[], scale: string): number {
  const bars = groups.filter((group) => group.scale === scale).flatMap((group) => group.bars);
  return Math.max(...bars.map(({ parts }) => totalOf(parts)));
}

/** Each kind's number stands in the bar where there is room. */
function drawBar({ label, parts }: Bar, kinds: readonly Kind[], y: number, most: number): Part[] {
  const baseline = y + barHeight * 0.75;
  const length = width - size * 2 - totals - labels;
  const drawn: Part[] = [text(size, baseline, label, { size })];
  let x = labels;
  for (const [at, us] of sumsOf(parts, kinds).entries()) {
    const wide = (us / most) * length;
    const { colour } = kinds[at]!;
    const number = String(at + 1);
    drawn.push(rect(x, y, wide, barHeight, { fill: colour }));
    if (wide > textWidth(number, size) + 4)
      drawn.push(text(x + wide / 2, baseline, number, { size, colour: "paper", anchor: "middle" }));
    x += wide;
  }
  const total = `${shortUs(totalOf(parts))} µs`;
  return [...drawn, text(width - size, baseline, total, { size, face: "bold", anchor: "end" })];
}

/** By kind, in their order. */
function sumsOf(parts: Readonly<Record<string, number>>, kinds: readonly Kind[]): readonly number[] {
  const rest = kinds.findIndex((kind) => kind.parts.length === 0);
  const sums = kinds.map(() => 0);
  for (const [part, us] of Object.entries(parts)) {
    const at = kinds.findIndex((kind) => kind.parts.includes(part));
    sums[at === -1 ? rest : at]! += us;
  }
  return sums;
}

function drawLegend(kinds: readonly Kind[], top: number): { readonly parts: readonly Part[]; readonly bottom: number } {
  const parts: Part[] = [];
  let x = size;
  let y = top;
  for (const [at, { name, colour }] of kinds.entries()) {
    const entry = barHeight + 6 + textWidth(name, size) + size;
    if (x > size && x + entry > width) {
      x = size;
      y += barHeight * 1.4;
    }
    const baseline = y + barHeight * 0.75;
    parts.push(
      rect(x, y, barHeight, barHeight, { fill: colour }),
      text(x + barHeight / 2, baseline, String(at + 1), { size, colour: "paper", anchor: "middle" }),
      text(x + barHeight + 6, baseline, name, { size }),
    );
    x += entry;
  }
  return { parts, bottom: y + barHeight * 2 };
}
