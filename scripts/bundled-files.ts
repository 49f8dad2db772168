import fs from "node:fs";
import path from "node:path";

/** Lies in every folder that a bundler wrote: what the licences of others ask to be passed on. */
export const licencesFile = "THIRD-PARTY-LICENSES.txt";

/** The files of a folder that its bundled command is made of, by name: what `main.js` loads by whatever way, and their maps. Null: nothing is bundled there. */
export function bundledFiles(folder: string): ReadonlySet<string> | null {
  if (!fs.existsSync(path.join(folder, licencesFile))) return null;
  const found = new Set([licencesFile]);
  const queue = ["main.js"];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name) || !fs.existsSync(path.join(folder, name))) continue;
    found.add(name).add(`${name}.map`);
    const text = fs.readFileSync(path.join(folder, name), "utf8");
    queue.push(...[...text.matchAll(/["']\.\/([\w.-]+\.js)["']/g)].map(([, loaded]) => loaded!));
  }
  return found;
}
