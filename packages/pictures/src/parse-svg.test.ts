import { expect, it } from "vitest";
import { elementsOf, parseSvg, textOf } from "./parse-svg.ts";

it("reads elements, attributes, text and entities", () => {
  const svg = parseSvg('<svg a="1 &lt; 2">\n<g><text x="1">a &amp; b</text><br/></g></svg>\n');
  expect(svg.attributes).toEqual({ a: "1 < 2" });
  expect(elementsOf(svg, "text").map(textOf)).toEqual(["a & b"]);
});

for (const [why, source] of [
  ["an element is not closed", "<svg><g></svg>"],
  ["an element is closed twice", "<svg></svg></svg>"],
  ["there are two roots", "<svg/><svg/>"],
  ["there is none", "words"],
  ["a < is bare", "<svg>1 < 2</svg>"],
  ["an & is bare", "<svg>a & b</svg>"],
  ["an entity is unknown", "<svg>&nbsp;</svg>"],
  ["an attribute has no quotes", "<svg a=1/>"],
  ["an attribute is there twice", '<svg a="1" a="2"/>'],
  ["an attribute holds a <", '<svg a="<"/>'],
  ["a control character is there", "<svg>\u0007</svg>"],
] as const) {
  it(`refuses a file in which ${why}`, () => {
    expect(() => parseSvg(source)).toThrow("not well-formed");
  });
}
