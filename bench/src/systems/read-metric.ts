/** A number without labels from a page for Prometheus. @throws {Error} if the page has no such metric. */
export async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text();
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  if (line === undefined) throw new Error(`${url} has no metric ${name}`);
  return Number(line.slice(name.length + 1));
}
