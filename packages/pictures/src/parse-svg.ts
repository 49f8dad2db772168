/** An element of a parsed file. */
export interface SvgElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Text and elements, in order. Entities are decoded. */
  readonly children: readonly (SvgElement | string)[];
}

interface OpenElement extends SvgElement {
  readonly children: (SvgElement | string)[];
}

const tag = /<(\/?)([A-Za-z][\w.-]*)((?:\s+[A-Za-z_][\w:.-]*="[^"<]*")*)\s*(\/?)>/y;
const attribute = /\s+([A-Za-z_][\w:.-]*)="([^"<]*)"/g;
const characters = /[^<]+/y;
const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/**
 * Reads SVG as strictly as an XML parser, in the part of XML that pictures are written in: elements, attributes in double
 * quotes, text. For tests, and for whoever must know that a written file can be shown.
 * @throws {Error} with the offset, when it is not well-formed.
 */
export function parseSvg(source: string): SvgElement {
  const root: OpenElement = { name: "", attributes: {}, children: [] };
  const open = [root];
  let at = 0;
  const fail = (why: string): never => {
    throw new Error(`not well-formed at offset ${at}: ${why}: ${JSON.stringify(source.slice(at, at + 40))}`);
  };
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const parent = open.at(-1)!;
    const run = match(characters);
    if (run !== null) {
      const content = decode(run[0], fail);
      if (parent === root && content.trim() !== "") fail("text outside the root element");
      parent.children.push(content);
      at += run[0].length;
      continue;
    }
    const [whole, closing, name, attributes, empty] = match(tag) ?? fail("neither text nor a tag");
    if (closing === "/") {
      if (parent.name !== name || attributes !== "" || empty === "/") fail(`</${name}> does not end <${parent.name}>`);
      open.pop();
    } else {
      if (parent === root && root.children.some((child) => typeof child !== "string")) fail("a second root element");
      const element: OpenElement = { name: name!, attributes: parseAttributes(attributes!, fail), children: [] };
      parent.children.push(element);
      if (empty !== "/") open.push(element);
    }
    at += whole!.length;
  }
  if (open.length > 1) fail(`<${open.at(-1)!.name}> is not closed`);
  const element = root.children.find((child) => typeof child !== "string");
  return typeof element === "object" ? element : fail("no element");
}

/** All elements of a name, in order, the root included. */
export function elementsOf(element: SvgElement, name: string): SvgElement[] {
  const inside = element.children.flatMap((child) => (typeof child === "string" ? [] : elementsOf(child, name)));
  return element.name === name ? [element, ...inside] : inside;
}

/** All text inside an element. */
export function textOf(element: SvgElement): string {
  return element.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
}

function parseAttributes(source: string, fail: (why: string) => never): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name, value] of source.matchAll(attribute)) {
    if (Object.hasOwn(attributes, name!)) fail(`attribute ${name} is there twice`);
    attributes[name!] = decode(value!, fail);
  }
  return attributes;
}

function decode(content: string, fail: (why: string) => never): string {
  for (const character of content) {
    const code = character.codePointAt(0)!;
    const forbidden =
      code < 0x20 ? !"\t\n\r".includes(character) : (code & 0xfffff800) === 0xd800 || (code | 1) === 0xffff;
    if (forbidden) fail(`U+${code.toString(16).padStart(4, "0")} cannot be in XML`);
  }
  return content.replace(/&([^;&]*)(;?)/g, (whole, name: string, end: string) =>
    end === ";" ? (entities[name] ?? fail(`unknown entity ${whole}`)) : fail("a bare &"),
  );
}
