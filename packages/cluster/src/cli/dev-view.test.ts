import { expect, it } from "vitest";
import { DevView, type DevViewOptions } from "./dev-view.ts";

const nodes = [{ nodeId: 1, grpc: "127.0.0.1:7400", peer: "127.0.0.1:7401", http: "127.0.0.1:7402", data: "/tmp/d/1" }];

/** The lines that it proposes to type. */
function proposals(tokens: DevViewOptions["tokens"]): readonly string[] {
  const view = new DevView({ nodes, folder: "/tmp/d", temporary: true, command: "npx quorumguard", tokens });
  const endpoints = nodes.map(({ grpc }) => grpc);
  const text = view.show({ event: "ready", leaderId: 1, term: 1, endpoints, httpUrls: [] })!;
  return text.split("\n").flatMap((line) => (line.startsWith("    ") ? [line.trim()] : []));
}

it("without tokens, proposes what needs none", () => {
  expect(proposals(null).join("\n")).not.toMatch(/token/i);
});

it("with tokens, proposes one first that is good for the rest, and has curl show it", () => {
  const lines = proposals({ keys: "token-keys.json", audience: undefined });
  expect(lines.slice(0, 2)).toEqual([
    "export QUORUMGUARD_ENDPOINTS=127.0.0.1:7400",
    "export QUORUMGUARD_TOKEN=$(npx quorumguard token new --key token-key.json --operations check,inline-limits,admin)",
  ]);
  const calls = lines.filter((line) => line.includes("GuardService"));
  expect(calls).toHaveLength(1);
  expect(calls[0]).toContain('-H "authorization: Bearer $QUORUMGUARD_TOKEN"');
});

it("names the key beside the set, and whom tokens are for, as a shell takes them", () => {
  const [, token] = proposals({ keys: "/my keys/set.json", audience: "eu-1" });
  expect(token).toContain("--key '/my keys/token-key.json' ");
  expect(token).toContain(" --token-audience eu-1)");
});
