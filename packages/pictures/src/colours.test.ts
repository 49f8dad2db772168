import { expect, it } from "vitest";
import { type Colour, colours, pageBackgrounds, paletteDeclarations, type Theme } from "./colours.ts";

const themes: readonly Theme[] = ["light", "dark"];
const names = Object.keys(colours) as Colour[];
/** They carry no meaning: behind words, or between them. */
const backdrops: readonly Colour[] = ["line", "surface", "paper"];

/** Relative luminance, WCAG 2.2. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: string, b: string): number {
  const [lighter, darker] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter! + 0.05) / (darker! + 0.05);
}

it("measures contrast as WCAG does", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 1);
});

for (const theme of themes) {
  for (const name of names.filter((one) => !backdrops.includes(one))) {
    it(`${name} is readable on every ${theme} background`, () => {
      const backgrounds = [...pageBackgrounds[theme], colours.paper[theme], colours.surface[theme]];
      for (const background of backgrounds) {
        expect(contrast(colours[name][theme], background), background).toBeGreaterThanOrEqual(4.5);
      }
    });
  }

  it(`declares every colour for ${theme} pages`, () => {
    const declared = paletteDeclarations(theme)
      .split(";")
      .map((declaration) => declaration.split(":")[0]);
    expect(declared).toEqual(names.map((name) => `--qg-${name}`));
  });
}
