/** A number without labels from a page for Prometheus. @throws {Error} if the page has no such metric. */
export async function readMetric(url: string, name: string): Promise<number> {
  return (await readMetrics(url, [name]))[0]!;
}

/** Several of one page, as of the same moment. */
export async function readMetrics(url: string, names: readonly string[]): Promise<readonly number[]> {
  const lines = (await (await fetch(url)).text()).split("\n");
  return names.map((name) => {
    const line = lines.find((candidate) => candidate.startsWith(`${name} `));
    if (line === undefined) throw new Error(`${url} has no metric ${name}`);
    return Number(line.slice(name.length + 1));
  });
}
