import {
  type BoxOptions,
  box,
  type Drawing,
  type Part,
  type Picture,
  rect,
  text,
  wrapText,
} from "@quorumguard/pictures";
import { clusterLevels, type packageLevels } from "./room-levels.ts";

type Room = keyof typeof packageLevels | keyof typeof clusterLevels;

/** What each room is for, in the few words that fit. */
const purposes: Readonly<Record<Room, string>> = {
  raft: "consensus, pure",
  limiter: "decisions, pure",
  proto: "the wire",
  "sdk-core": "the client",
  "sdk-node": "gRPC",
  "sdk-web": "fetch",
  middleware: "HTTP frameworks",
  cluster: "a node",
  sim: "everything in one process, on virtual time",
  storage: "log, snapshots",
  transport: "peers",
  node: "drives raft and limiter",
  server: "gRPC and HTTP",
  cli: "the command",
  "testing-kit": "nodes for tests",
};

/** Packages and layers: what stands higher may import what stands lower, never the reverse. */
export function rooms(): Picture {
  return {
    name: "rooms",
    title: "Packages and layers: imports go down only",
    description:
      "At the bottom raft, limiter and proto, which know no other package. Above them sdk-core, and on it sdk-node, sdk-web and " +
      "middleware. " +
      "Beside these the cluster package, whose folders are, from the top: cli beside testing-kit, server, node, and storage beside transport. " +
      "The simulator runs all of it, and nothing imports it. The command line and the testing kit of cluster also use sdk-node.",
    wide: draw(720, 14),
    narrow: draw(328, 12),
  };
}

const rowHeight = 52;
const gap = 10;
/** Levels inside the two groups, from the top: the cluster has four, the client two. */
const groupTop = 96;

function draw(width: number, size: number): Drawing {
  const left = 4;
  const split = Math.round(width * 0.42);
  const right = width - 4;
  const row = (level: number) => groupTop + (clusterLevels.cli - level) * (rowHeight + gap);
  const bottom = row(0) + rowHeight + 30;
  const cell = (room: Room, x: number, y: number, cellWidth: number, options: Partial<BoxOptions> = {}): Part[] =>
    box(x, y, cellWidth, rowHeight, {
      title: room,
      lines: wrapText(purposes[room], size, cellWidth - 6),
      titleStyle: { size },
      lineStyle: { size },
      ...options,
    });
  const beside = (from: number, to: number, count: number, index: number) => {
    const each = (to - from - gap * (count - 1)) / count;
    return [from + index * (each + gap), each] as const;
  };
  const [clientFrom, clientTo] = [left + 8, split - 8];
  const [clusterFrom, clusterTo] = [split + 12, right - 8];

  const parts: Part[] = [
    ...box(left, 4, width - 8, 40, {
      title: `sim: ${purposes.sim}`,
      titleStyle: { size, face: "regular" },
      dash: "5 4",
    }),
    text(left + 8, groupTop - 14, "client", { size, colour: "muted", face: "bold" }),
    text(clusterFrom, groupTop - 14, "cluster", { size, colour: "leader", face: "bold" }),
    rect(left, groupTop - 36, split - left, bottom - groupTop + 18, { stroke: "line" }, 10),
    rect(split + 4, groupTop - 36, right - split - 4, bottom - groupTop + 18, { stroke: "leader" }, 10),
  ];
  parts.push(...cell("sdk-core", clientFrom, row(0), clientTo - clientFrom));
  (["sdk-web", "sdk-node"] as const).forEach((room, i) => {
    // Side by side where there is room. Either way both stand on sdk-core, and neither on the other.
    const stacked = width < 600;
    const [x, cellWidth] = stacked ? [clientFrom, clientTo - clientFrom] : beside(clientFrom, clientTo, 2, i);
    parts.push(...cell(room, x, row(stacked ? 1 + i : 1), cellWidth));
  });
  // It stands on sdk-core as well, and takes the guards of both.
  parts.push(...cell("middleware", clientFrom, row(width < 600 ? 3 : 2), clientTo - clientFrom));
  for (const level of [["cli", "testing-kit"], ["server"], ["node"], ["storage", "transport"]] as const) {
    level.forEach((room, i) => {
      const [x, cellWidth] = beside(clusterFrom, clusterTo, level.length, i);
      parts.push(...cell(room, x, row(clusterLevels[room]), cellWidth, { stroke: "leader" }));
    });
  }
  (["proto", "limiter", "raft"] as const).forEach((room, i) => {
    const [x, cellWidth] = beside(left, right, 3, i);
    parts.push(...cell(room, x, bottom, cellWidth, { stroke: "accent" }));
  });
  parts.push(
    text(width / 2, bottom + rowHeight + 22, "imports go down only", { size, anchor: "middle", colour: "muted" }),
  );
  return { width, height: bottom + rowHeight + 32, parts };
}
