const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as content of an element or of a quoted attribute. What XML 1.0 cannot hold, even escaped, becomes U+FFFD. */
export function escapeXml(content: string): string {
  let escaped = "";
  for (const character of content) {
    escaped += isAllowed(character.codePointAt(0)!) ? (entities[character] ?? character) : "\ufffd";
  }
  return escaped;
}

/** XML 1.0 §2.2: no control characters but tab and line ends, no lone surrogates, neither of the two non-characters. */
function isAllowed(codePoint: number): boolean {
  if (codePoint < 0x20) return codePoint === 0x9 || codePoint === 0xa || codePoint === 0xd;
  return codePoint <= 0xd7ff || (codePoint >= 0xe000 && codePoint <= 0xfffd) || codePoint >= 0x10000;
}
