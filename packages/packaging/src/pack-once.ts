import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { prepareWorkbench, type Workbench } from "./workbench.ts";

declare module "vitest" {
  interface ProvidedContext {
    workbench: Workbench;
  }
}

let folder: string | undefined;

/** Before the first check: one pack and one installation for all of them. */
export async function setup(project: TestProject): Promise<void> {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-packaging-")));
  project.provide("workbench", await prepareWorkbench(folder));
}

/** After the last check. */
export function teardown(): void {
  if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
}
