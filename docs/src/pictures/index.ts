/** The pictures of the documentation, drawn when a page is built: name → inline SVG. */
import { inlineSvg, type Picture } from "@quorumguard/pictures";
import { failover } from "./failover.ts";
import { logFrame } from "./log-frame.ts";
import { nobodyLeads } from "./nobody-leads.ts";
import { oneAllow } from "./one-allow.ts";
import { rooms } from "./rooms.ts";
import { session } from "./session.ts";
import { slidingWindowLogPicture } from "./sliding-window-log.ts";
import { tokenBucketPicture } from "./token-bucket.ts";

/** Every picture, by the name that pages use. */
export const drawings: Readonly<Record<string, () => Picture>> = {
  "one-allow": oneAllow,
  session,
  rooms,
  "log-frame": logFrame,
  "sliding-window-log": slidingWindowLogPicture,
  "token-bucket": tokenBucketPicture,
  failover,
  "nobody-leads": nobodyLeads,
};

/** The same as markup for a page that has `pictureThemeCss`. */
export const pictures: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(drawings).map(([name, draw]) => [name, () => inlineSvg(draw())]),
);
