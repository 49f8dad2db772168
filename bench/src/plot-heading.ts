import { lineHeight, type Part, textLines, wrapText } from "@quorumguard/pictures";

/** Of every plot, in pixels. */
export const width = 720;
/** Of its words, in pixels. */
export const size = 13;

/** A plot's title at its top, and where it ends. */
export function plotHeading(title: string): { readonly parts: Part[]; readonly bottom: number } {
  const lines = wrapText(title, size + 2, width - size * 2, "bold");
  const parts = textLines(size, size * 1.8, lines, { size: size + 2, face: "bold" });
  return { parts, bottom: lines.length * lineHeight(size + 2) };
}
