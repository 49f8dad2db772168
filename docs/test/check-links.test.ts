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

describe("links however they are written", () => {
  /** What is broken on a site of one page. */
  async function check(html: string) {
    const site = await mkdtemp(path.join(os.tmpdir(), "quorumguard-docs-"));
    try {
      await writeFile(path.join(site, "index.html"), html);
      await writeFile(path.join(site, "a,b.png"), "");
      const { links, broken } = await checkLinks(site);
      return { links, broken: broken.map((line) => line.split(": ")[1]) };
    } finally {
      await rm(site, { recursive: true });
    }
  }

  it.each([
    ["<a href='/x/'>single quotes</a>", ["/x/"]],
    ["<a href=/x/>no quotes</a>", ["/x/"]],
    ['<A HREF="/x/">capitals</A>', ["/x/"]],
    ['<a title="a>b" href="/y/">a sign in another attribute</a>', ["/y/"]],
    ['<a\n  class="c"\n  href = "/x/"\n>spaces and lines</a>', ["/x/"]],
    ['<a href="/x/?a=1&amp;b=&#50;">entities</a>', ["/x/?a=1&b=2"]],
    ['<img srcset="/1.png 1x, /2.png 2x,/3.png">', ["/1.png", "/2.png", "/3.png"]],
    ['<img srcset="/a,b.png 1x, /c.png 2x">', ["/c.png"]],
    ['<picture><source srcset="/x.png"></picture>', ["/x.png"]],
    ['<video poster="/x.png"></video>', ["/x.png"]],
    ['<object data="/x.svg"></object>', ["/x.svg"]],
    ['<form action="/x/"><button formaction="/y/"></button></form>', ["/x/", "/y/"]],
    ['<svg><use xlink:href="/x.svg#a"/><use href="#b"/></svg>', ["/x.svg#a", "#b"]],
    ["<noscript><a href=/x/>1</a></noscript><template><a href=/y/>2</a></template>", ["/x/", "/y/"]],
    ['<meta http-equiv="Refresh" content="0; URL=\'/x/\'">', ["/x/"]],
    ['<a href="/%zz">no address</a><a href="http://[">nor this</a>', ["/%zz", "http://["]],
    ["<a href='#y'>1</a><p id='Y'></p>", ["#y"]],
  ])("%s", async (html, broken) => {
    expect((await check(html)).broken.toSorted()).toEqual(broken.toSorted());
  });

  it.each([
    ["<p id=y></p><a href=#y>an id without quotes</a>", 1],
    ["<!-- <a href='/x/'> --><pre>&lt;a href='/x/'></pre>", 0],
    [
      '<script>"<a href=\'/x/\'>"</script><style>a { content: "<a href=/x/>" }</style><textarea><a href=/x/></textarea>',
      0,
    ],
    ["<a href='mailto:a@b.c'>1</a><img src='data:image/png;base64,AA=='><a href='https://example.com/'>2</a>", 3],
    ['<p data-href="/x/" title="href=/x/">no link</p>', 0],
  ])("%s is right", async (html, links) => {
    expect(await check(html)).toEqual({ links, broken: [] });
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
