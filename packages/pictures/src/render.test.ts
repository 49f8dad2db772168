import { describe, expect, it } from "vitest";
import { colours } from "./colours.ts";
import { type Drawing, decimal, type Picture, rect, text } from "./drawing.ts";
import { elementsOf, parseSvg, type SvgElement, textOf } from "./parse-svg.ts";
import { inlineSvg, pictureThemeCss, standaloneSvg } from "./render.ts";

const hostile = `</text><script>alert("1")</script>&'\u0000\u0007\ud800\uffff]]>`;
/** As it is shown: what XML cannot hold is replaced. */
const tamed = `</text><script>alert("1")</script>&'\ufffd\ufffd\ufffd\ufffd]]>`;

function drawing(width: number, height: number, words: string): Drawing {
  return { width, height, parts: [rect(0, 0, 10, 10, { fill: "surface", stroke: "leader" }), text(5, 20, words)] };
}

function picture(words = "words"): Picture {
  return {
    name: "some-picture",
    title: words,
    description: words,
    wide: drawing(720, 360, words),
    narrow: drawing(360, 180, words),
  };
}

function variablesUsed(svg: string): Set<string> {
  return new Set([...svg.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => name!));
}

describe("a file that stands alone", () => {
  it("is well-formed, and tells its title and description", () => {
    const svg = parseSvg(standaloneSvg(picture("What it shows")));
    expect(svg.attributes).toMatchObject({
      role: "img",
      "aria-labelledby": "title description",
      viewBox: "0 0 720 360",
    });
    expect(elementsOf(svg, "title").map(textOf)).toEqual(["What it shows"]);
    expect(elementsOf(svg, "desc").map(textOf)).toEqual(["What it shows"]);
  });

  it("declares every colour that it uses, for light and for dark", () => {
    const svg = standaloneSvg(picture());
    const style = textOf(elementsOf(parseSvg(svg), "style")[0]!);
    const [light, dark] = style.split("@media (prefers-color-scheme:dark)");
    const used = variablesUsed(svg);
    expect(used.size).toBeGreaterThan(3);
    for (const name of used) {
      const values = colours[name.slice("--qg-".length) as keyof typeof colours];
      expect(light).toContain(`${name}:${values.light}`);
      expect(dark).toContain(`${name}:${values.dark}`);
    }
  });

  it("shows hostile text as text", () => {
    const svg = parseSvg(standaloneSvg(picture(hostile)));
    expect(elementsOf(svg, "script")).toEqual([]);
    expect(elementsOf(svg, "text").map(textOf)).toEqual([tamed, tamed]);
  });

  it("refuses layouts of different proportions", () => {
    const narrow = drawing(360, 300, "words");
    expect(() => standaloneSvg({ ...picture(), narrow })).toThrow("2 wide and 1.2 narrow");
  });

  it("is the same every time", () => {
    expect(standaloneSvg(picture())).toBe(standaloneSvg(picture()));
  });
});

describe("markup for a page", () => {
  const layouts = (svg: SvgElement) => elementsOf(svg, "svg");

  it("has both layouts, each with a name of its own for screen readers", () => {
    const svgs = layouts(parseSvg(inlineSvg(picture("What it shows"))));
    expect(svgs).toHaveLength(2);
    const ids = svgs
      .flatMap((svg) => [...elementsOf(svg, "title"), ...elementsOf(svg, "desc")])
      .map((e) => e.attributes.id);
    expect(new Set(ids).size).toBe(4);
    for (const svg of svgs) {
      for (const id of svg.attributes["aria-labelledby"]!.split(" ")) expect(ids).toContain(id);
    }
  });

  it("shows hostile text as text, also as the picture's name", () => {
    const svg = parseSvg(inlineSvg({ ...picture(hostile), name: '"><script>' }));
    expect(elementsOf(svg, "script")).toEqual([]);
    expect(elementsOf(svg, "text").map(textOf)).toEqual([tamed, tamed]);
  });

  it("uses only colours that the page's style declares in both themes", () => {
    const [light, dark] = pictureThemeCss.split("@media (prefers-color-scheme:dark)");
    for (const name of variablesUsed(inlineSvg(picture()))) {
      expect(light).toContain(`${name}:`);
      expect(dark!.split(':root[data-theme="dark"]')[0]).toContain(`${name}:`);
      expect(dark!.split(':root[data-theme="dark"]')[1]).toContain(`${name}:`);
    }
  });
});

it("writes coordinates with two decimals, and refuses what is no number", () => {
  expect([1 / 3, -0.001, 2, 1e-9].map(decimal)).toEqual(["0.33", "0", "2", "0"]);
  expect(() => decimal(Number.NaN)).toThrow("a coordinate is NaN");
});
