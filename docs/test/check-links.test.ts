import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkLinks } from "../src/site/check-links.ts";
import { type FolderServer, serveFolder } from "../src/site/serve-folder.ts";

let folder: string;
let server: FolderServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "quorumguard-docs-"));
  await mkdir(path.join(folder, "a"));
  await writeFile(path.join(folder, "style.css"), "");
  await writeFile(path.join(folder, "404.html"), "<h1>no such page</h1>");
  await writeFile(
    path.join(folder, "index.html"),
    `<link href="/style.css"><h1 id="top-part">x</h1><a href="/a/#known">1</a><a href="#top-part">2</a>
     <a href="https://example.com/x">3</a><a href="a/">4</a><a href="/a/?q=1&amp;r=2">5</a><script>"<a href='/no/'>"</script>`,
  );
  await writeFile(
    path.join(folder, "a", "index.html"),
    `<h2 id="known">x</h2><a class="b" href="/b/">1</a><a href="/#absent">2</a><img src="/no.png"><a href="http://127.0.0.1:1/">3</a><a href="../">4</a>`,
  );
  server = await serveFolder(folder, 0);
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

describe("links of the built pages", () => {
  it("are followed to pages, files and headings, and what is broken is named with its page", async () => {
    expect(await checkLinks(folder)).toEqual({
      pages: 3,
      links: 11,
      broken: [
        "/a/: /b/: there is no such page or file",
        "/a/: /#absent: there is no heading or element with the id absent",
        "/a/: /no.png: there is no such page or file",
        "/a/: http://127.0.0.1:1/: leads to the own machine",
      ],
    });
  });
});

describe("the server of the built site", () => {
  it("serves pages and files, and nothing outside its folder", async () => {
    const statusOf = async (target: string) => (await fetch(`${server.url}${target}`)).status;
    expect(await statusOf("/")).toBe(200);
    expect(await statusOf("/a/?x=1")).toBe(200);
    expect((await fetch(`${server.url}/style.css`)).headers.get("content-type")).toBe("text/css; charset=utf-8");
    for (const target of ["/b/", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%00", "/%ff"])
      expect(await statusOf(target), target).toBe(404);
    expect(await (await fetch(`${server.url}/b/`)).text()).toContain("no such page");
    expect((await fetch(server.url, { method: "POST" })).status).toBe(405);
  });

  it("says what to write when the port is taken", async () => {
    await expect(serveFolder(folder, Number(new URL(server.url).port))).rejects.toThrow("write --serve 0");
  });
});
