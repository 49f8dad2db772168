/** The pictures of the documentation, drawn when a page is built: name → inline SVG. */
import { inlineSvg, type Picture } from "@quorumguard/pictures";
import { nobodyLeads } from "./nobody-leads.ts";

/** Every picture, by the name that pages use. */
export const drawings: Readonly<Record<string, () => Picture>> = {
  "nobody-leads": nobodyLeads,
};

/** The same as markup for a page that has `pictureThemeCss`. */
export const pictures: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(drawings).map(([name, draw]) => [name, () => inlineSvg(draw())]),
);
