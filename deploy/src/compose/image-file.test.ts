import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { inDeploy, repositoryRoot } from "../deploy-folder.ts";
import { readImageFile } from "./image-file.ts";

const image = readImageFile(inDeploy("Dockerfile"));
const ignored = readFileSync(inDeploy("Dockerfile.dockerignore"), "utf8").split("\n");
const readManifest = (...parts: string[]) =>
  JSON.parse(readFileSync(path.join(repositoryRoot, ...parts, "package.json"), "utf8"));

describe("the Dockerfile", () => {
  it("builds in one stage and runs in another, both on the Node that the repository pins", () => {
    const stages = image.dockerfile.getFROMs();
    const node = readManifest().devDependencies.node as string;
    expect(stages.map((from) => from.getImage())).toEqual([`node:${node}-bookworm-slim`, `node:${node}-bookworm-slim`]);
    expect(stages.map((from) => from.getBuildStage())).toEqual(["build", null]);
  });

  it("ends as a user that is not root, by number", () => {
    expect(image.user).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
  });

  it("runs the published command without a shell, and stops by SIGTERM, which the command heeds", () => {
    const [command] = Object.keys(readManifest("packages", "cluster").bin);
    expect(image.entrypoint).toEqual([command]);
    expect(image.command).toEqual(["--help"]);
    expect(image.stopSignal).toBe("SIGTERM");
  });

  it("checks its health by a file that it copies, whose path the node serves", () => {
    expect(image.healthCheck).toEqual(["node", "/app/health-check.mjs", "/healthz"]);
    const targets = image.dockerfile.getCOPYs().map((copy) => copy.getArguments().at(-1)?.getValue());
    expect(targets).toContain("/app/health-check.mjs");
  });

  it("has its program on the last stage's PATH, and the checks' script, where that stage copies what was built", () => {
    const text = readFileSync(inDeploy("Dockerfile"), "utf8").split("\n");
    const last = text.slice(text.findLastIndex((line) => line.startsWith("FROM ")));
    expect(last).toContain("COPY --from=build /app /app");
    const folder = /\bPATH=([^:\s]+):\$PATH/.exec(last.find((line) => line.startsWith("ENV ")) ?? "")?.[1];
    expect(folder).toBe("/app/bin");
    expect(text.join("\n")).toContain(`ln -s ../dist/cli/main.js ${folder}/${image.entrypoint[0]}`);
    expect(text).toContain(`COPY deploy/image/health-check.mjs ${image.healthCheck[1]}`);
  });

  it("copies from the context what exists there and what its ignore file lets through", () => {
    const copied = image.dockerfile
      .getCOPYs()
      .filter((copy) => !copy.getFlags().some((flag) => flag.getName() === "from"))
      .flatMap((copy) => copy.getArguments().slice(0, -1))
      .map((argument) => argument.getValue());
    expect(copied.length).toBeGreaterThan(4);
    for (const source of copied) {
      expect(existsSync(path.join(repositoryRoot, source)), source).toBe(true);
      const allowed = ignored.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
      expect(
        allowed.some((name) => source === name || source.startsWith(`${name}/`)),
        source,
      ).toBe(true);
    }
  });

  it("installs by the lockfile, with the pnpm that package.json names", () => {
    const runs = image.dockerfile
      .getInstructions()
      .filter((instruction) => instruction.getKeyword() === "RUN")
      .map((instruction) => instruction.getArgumentsContent() ?? "");
    expect(runs.filter((run) => /pnpm install/.test(run))).toEqual([expect.stringContaining("--frozen-lockfile")]);
    expect(runs.some((run) => run.includes("packageManager"))).toBe(true);
    expect(runs.join("\n")).not.toMatch(/@latest|curl|wget|apt-get/);
  });

  it("says so when an instruction is missing or in shell form", () => {
    expect(() => readImageFile(inDeploy("nginx", "nginx.conf"))).toThrow(/ENTRYPOINT/);
  });
});
