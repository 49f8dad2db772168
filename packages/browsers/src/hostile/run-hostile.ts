import { until } from "@quorumguard/testbed";
import { type CaseFailure, type Report, reportOf } from "../report.ts";
import type { Scene } from "../scene/scene.ts";
import type { Answer } from "./answer.ts";
import { type Arena, callFor, createArena } from "./arena.ts";
import { bodyCases } from "./body-cases.ts";
import type { HostileCase } from "./hostile-case.ts";
import { http2Cases } from "./http2-cases.ts";
import { originCases } from "./origin-cases.ts";
import { pathCases } from "./path-cases.ts";
import { scopeCases } from "./scope-cases.ts";
import { smugglingCases } from "./smuggling-cases.ts";
import { tokenCases } from "./token-cases.ts";

/** Every case by its group. */
export const hostileCases: Readonly<Record<string, readonly HostileCase[]>> = {
  token: tokenCases,
  scope: scopeCases,
  origin: originCases,
  smuggling: [...smugglingCases, ...http2Cases],
  path: pathCases,
  body: bodyCases,
};

/** As many at once: some wait for nginx to lose its patience. */
const atOnce = 8;

/** Tries everything against the scene's nginx and nodes. Never rejects for a case. @throws {Error} When an honest call is refused. */
export async function runHostile(scene: Scene): Promise<Report> {
  await serveHonest(scene);
  const left = Object.entries(hostileCases).flatMap(([group, cases]) => cases.map((one) => ({ group, one })));
  const cases = left.length;
  const failures: CaseFailure[] = [];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const problems = await attempt(scene, next.one).catch((error) => [String(error)]);
      if (problems.length > 0) failures.push({ name: `${next.group}: ${next.one.name}`, message: problems.join("; ") });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return reportOf(cases, failures);
}

/** Refusals prove nothing where everybody is refused, and whole limits nothing where a charge is not seen. */
async function serveHonest(scene: Scene): Promise<void> {
  const arena = await createArena(scene);
  const own = await arena.send();
  if (own.status !== 200) throw new Error(`an honest call is answered with ${own.status}: ${own.body}`);
  if ((await charged({ ...arena, victim: arena.mine })).length === 0) throw new Error("a charge is not seen");
}

/** What is wrong with how a case was refused. */
async function attempt(scene: Scene, one: HostileCase): Promise<readonly string[]> {
  const arena = await createArena(scene);
  const answer = await one.send(arena);
  return [...unlike(answer, one), ...(await charged(arena)), ...(await silentNodes(scene))];
}

function unlike(answer: Answer, { status, code, reason, body }: HostileCase): readonly string[] {
  const problems: string[] = [];
  const differs = (what: string, found: unknown, wanted: unknown) =>
    problems.push(`${what} is ${found}, and should be ${wanted}: ${answer.body.slice(0, 200)}`);
  if (![status].flat().includes(answer.status)) differs("the status", answer.status, status);
  if (code !== undefined && answer.code !== code) differs("the code", answer.code, code);
  if (reason !== undefined && answer.reason !== reason) differs("the reason", answer.reason, reason);
  if (body !== undefined && answer.body !== body) differs("the body", "another's", JSON.stringify(body));
  const origin = answer.headers["access-control-allow-origin"];
  if (origin !== undefined) differs("the origin that may read it", origin, "nobody's");
  return problems;
}

/** The victim's limit is whole, and nobody's key of that name was touched in another policy. */
async function charged({ scene, victim }: Arena): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const policy of ["button", "foreign"] as const) {
    const { decision } = (await scene.operate("GuardService/Peek", callFor(victim, policy))) as {
      readonly decision: { readonly limit: number; readonly remaining?: number };
    };
    if (decision.remaining !== decision.limit) {
      problems.push(`the victim has ${decision.remaining ?? 0} of ${decision.limit} left under ${policy}`);
    }
  }
  return problems;
}

/** A busy machine lets a node's answer wait; one that has been brought down gives none. */
async function silentNodes({ cluster }: Scene): Promise<readonly string[]> {
  const asked = cluster.nodes.map(({ nodeId }) =>
    until(`node ${nodeId} does not answer any more`, 20_000, () => cluster.status(nodeId)),
  );
  const answers = await Promise.allSettled(asked);
  return answers.flatMap((answer) => (answer.status === "rejected" ? [String(answer.reason)] : []));
}
