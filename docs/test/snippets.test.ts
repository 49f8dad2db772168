import { describe, expect, it } from "vitest";
import { cutSnippet } from "../src/site/cut-snippet.ts";
import { findPicture } from "../src/site/find-picture.ts";
import { readSnippet } from "../src/site/read-snippet.ts";

const source = [
  "import x;",
  "// #region outer",
  "  a();",
  "  // #region inner",
  "    b();",
  "",
  "      c();",
  "  // #endregion inner",
  "  d();",
  "// #endregion outer",
  "",
].join("\n");

describe("a snippet", () => {
  it("is the whole file without its markers", () => {
    expect(cutSnippet("x.ts", source)).toEqual({
      code: "import x;\n  a();\n    b();\n\n      c();\n  d();",
      language: "ts",
    });
  });

  it("is one region, without the markers in it and the indentation that its lines share", () => {
    expect(cutSnippet("x.ts", source, "inner").code).toBe("b();\n\n  c();");
    expect(cutSnippet("x.ts", source, "outer").code).toBe("a();\n  b();\n\n    c();\nd();");
  });

  it("takes an end without a name for that of the region opened last, and # for a marker in scripts", () => {
    const text = "# #region a\none\n# #region b\ntwo\n# #endregion\nthree\n# #endregion\nfour\n";
    expect(cutSnippet("x.sh", text, "a")).toEqual({ code: "one\ntwo\nthree", language: "sh" });
    expect(cutSnippet("x.yaml", text, "b")).toEqual({ code: "two", language: "yaml" });
  });

  it.each([
    ["x.ts", source, "absent", "snippet x.ts: has no region absent; its regions: outer, inner"],
    ["x.ts", "a();\n", "absent", "snippet x.ts: has no region absent; its regions: none"],
    ["x.ts", "// #region a\na();\n", "a", "snippet x.ts: region a has no end; write #endregion a"],
    ["x.ts", "// #region a\n// #endregion a\n", "a", "snippet x.ts, region a: has no code"],
    ["x.ts", `${source}${source}`, "outer", "snippet x.ts: opens 2 times the region outer"],
    ["x.cobol", "a", undefined, "snippet x.cobol: its extension is none of"],
  ])("of %s names file and region when it cannot be cut", (file, text, region, message) => {
    expect(() => cutSnippet(file, text, region)).toThrow(message);
  });

  it("of a file that does not exist names it and the region", () => {
    expect(() => readSnippet("start/absent.ts", "route")).toThrow("snippet start/absent.ts, region route: cannot read");
  });

  it("may be an example of the repository", () => {
    expect(readSnippet("examples/first-limit/first-limit.ts").code).toContain("createGuard");
  });
});

describe("a picture", () => {
  it("of an unknown name lists the known ones", () => {
    const pictures = { two: () => "<svg/>", one: () => "<svg/>" };
    expect(findPicture(pictures, "one")).toBe("<svg/>");
    for (const name of ["three", "toString"])
      expect(() => findPicture(pictures, name)).toThrow(
        `picture ${name}: docs/src/pictures has none of this name; its pictures: one, two`,
      );
  });
});
