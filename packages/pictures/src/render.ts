import { type Colour, colourVariable, paletteDeclarations } from "./colours.ts";
import { type Drawing, decimal, type Paint, type Part, type Picture, type TextPart } from "./drawing.ts";
import { escapeXml } from "./escape-xml.ts";
import { monoFamily, sansFamily } from "./text-metrics.ts";

/** Below this width, in CSS pixels, the narrow layout is shown. */
const narrowBelowPx = 600;

const textCss =
  `.qg-picture text{font-family:${sansFamily};fill:var(--qg-ink)}` +
  `.qg-picture text.qg-mono{font-family:${monoFamily}}.qg-picture text.qg-bold{font-weight:700}` +
  ".qg-picture text.qg-halo{paint-order:stroke;stroke:var(--qg-paper);stroke-width:4px;stroke-linejoin:round}";

/**
 * What pages with inline pictures need, once: the palette (`data-theme` on the root decides, the system's preference
 * where there is none), the fonts, and which layout is shown at which width.
 */
export const pictureThemeCss: string = [
  `:root{${paletteDeclarations("light")}}`,
  `@media (prefers-color-scheme:dark){:root:not([data-theme]){${paletteDeclarations("dark")}}}`,
  `:root[data-theme="dark"]{${paletteDeclarations("dark")}}`,
  // On a page the background is the page's own: Starlight's, by its name for it.
  ':root{--qg-paper:var(--sl-color-bg,#ffffff)}:root[data-theme="dark"]{--qg-paper:var(--sl-color-bg,#17181c)}',
  textCss,
  ".qg-frame{container-type:inline-size;margin-block:1rem}",
  "svg.qg-picture{display:block;width:100%;height:auto;margin:0 auto}",
  "svg.qg-picture.qg-narrow{display:none;max-width:440px}svg.qg-picture.qg-wide{max-width:840px}",
  `@container (max-width:${narrowBelowPx - 1}px){svg.qg-picture.qg-narrow{display:block}.qg-frame svg.qg-wide:not(:only-child){display:none}}`,
].join("\n");

/** For a page that has `pictureThemeCss`: both layouts, of which the page's width shows one. */
export function inlineSvg(picture: Picture): string {
  const layouts = [inlineLayout(picture, picture.wide, "wide")];
  if (picture.narrow !== undefined) layouts.push(inlineLayout(picture, picture.narrow, "narrow"));
  return `<div class="qg-frame not-content">${layouts.join("")}</div>`;
}

function inlineLayout(picture: Picture, drawing: Drawing, layout: string): string {
  const id = `qg-${escapeXml(picture.name)}-${layout}`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="qg-picture qg-${layout}" viewBox="0 0 ${decimal(drawing.width)} ${decimal(drawing.height)}"` +
    ` role="img" aria-labelledby="${id}-title ${id}-description">` +
    `<title id="${id}-title">${escapeXml(picture.title)}</title>` +
    `<desc id="${id}-description">${escapeXml(picture.description)}</desc>${renderParts(drawing.parts)}</svg>`
  );
}

/**
 * One file for `<img>`, light and dark by the reader's system, with its own background, since a page's theme does not
 * reach into an image. Both layouts are inside, and share one shape: an image cannot change its proportions.
 * @throws {Error} when the two layouts differ in proportions by more than 2 %.
 */
export function standaloneSvg(picture: Picture): string {
  const { wide, narrow, title, description } = picture;
  if (narrow !== undefined) checkProportions(picture.name, wide, narrow);
  const width = decimal(wide.width);
  const height = decimal(wide.height);
  const style = [
    `svg{${paletteDeclarations("light")}}`,
    `@media (prefers-color-scheme:dark){svg{${paletteDeclarations("dark")}}}`,
    textCss,
    ...(narrow === undefined
      ? []
      : [
          ".qg-narrow{display:none}",
          `@media (max-width:${narrowBelowPx - 1}px){.qg-narrow{display:inline}.qg-wide{display:none}}`,
        ]),
  ].join("\n");
  const layouts = [`<g class="qg-wide">${renderParts(wide.parts)}</g>`];
  if (narrow !== undefined) {
    const scale = Math.min(wide.width / narrow.width, wide.height / narrow.height);
    layouts.push(`<g class="qg-narrow" transform="scale(${scale.toFixed(4)})">${renderParts(narrow.parts)}</g>`);
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="qg-picture" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="description">${escapeXml(description)}</desc>`,
    `<style>${escapeXml(style)}</style>`,
    renderPart({ kind: "rect", x: 0, y: 0, width: wide.width, height: wide.height, radius: 8, fill: "paper" }),
    ...layouts,
    "</svg>",
    "",
  ].join("\n");
}

function checkProportions(name: string, wide: Drawing, narrow: Drawing): void {
  const [a, b] = [wide.width / wide.height, narrow.width / narrow.height];
  if (Math.abs(a / b - 1) <= 0.02) return;
  throw new Error(
    `picture ${name}: width ÷ height is ${decimal(a)} wide and ${decimal(b)} narrow, but must be equal within 2 % in a file that stands alone`,
  );
}

function renderParts(parts: readonly Part[]): string {
  return parts.map(renderPart).join("");
}

function renderPart(part: Part): string {
  switch (part.kind) {
    case "text":
      return renderText(part);
    case "rect": {
      const radius = part.radius === 0 ? "" : ` rx="${decimal(part.radius)}"`;
      return `<rect x="${decimal(part.x)}" y="${decimal(part.y)}" width="${decimal(part.width)}" height="${decimal(part.height)}"${radius}${paint(part)}/>`;
    }
    case "circle":
      return `<circle cx="${decimal(part.x)}" cy="${decimal(part.y)}" r="${decimal(part.radius)}"${paint(part)}/>`;
    case "path":
      return `<path d="${escapeXml(part.data)}"${paint(part)}/>`;
  }
}

function renderText(part: TextPart): string {
  const classes = [part.face === "regular" ? "" : `qg-${part.face}`, part.halo ? "qg-halo" : ""].filter(Boolean);
  const named = classes.length === 0 ? "" : ` class="${classes.join(" ")}"`;
  const anchor = part.anchor === "start" ? "" : ` text-anchor="${part.anchor}"`;
  // A style, not an attribute: the style sheet's default for text would win over an attribute.
  const colour = part.colour === "ink" ? "" : ` style="fill:${colourVariable(part.colour)}"`;
  return `<text x="${decimal(part.x)}" y="${decimal(part.y)}" font-size="${decimal(part.size)}"${anchor}${named}${colour}>${escapeXml(part.content)}</text>`;
}

function paint({ fill, fillOpacity, stroke, strokeWidth, dash }: Paint): string {
  const attribute = (name: string, value: Colour | undefined) =>
    ` ${name}="${value === undefined ? "none" : colourVariable(value)}"`;
  let attributes = attribute("fill", fill);
  if (fillOpacity !== undefined) attributes += ` fill-opacity="${decimal(fillOpacity)}"`;
  if (stroke === undefined) return attributes;
  attributes += `${attribute("stroke", stroke)} stroke-width="${decimal(strokeWidth ?? 1.5)}" stroke-linecap="round" stroke-linejoin="round"`;
  if (dash !== undefined) attributes += ` stroke-dasharray="${escapeXml(dash)}"`;
  return attributes;
}
