import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeFileSystem } from "./file-system.contract.ts";
import { openForgetfulFileSystem } from "./forgetful-file-system.ts";
import { type NodeFileSystem, openNodeFileSystem } from "./node-file-system.ts";

type Open = (options: { readonly root: string }) => Promise<NodeFileSystem>;

function suite(name: string, open: Open, forgets: boolean): void {
  describeFileSystem(name, forgets, () => {
    let root = "";
    let current: NodeFileSystem | null = null;
    return {
      async open() {
        root = await mkdtemp(join(tmpdir(), "quorumguard-files-"));
        current = await open({ root });
        return current;
      },
      // Dropping the object drops what it holds in memory, as killing its process would.
      async afterPowerFailure() {
        await current?.close();
        current = await open({ root });
        return current;
      },
      async close() {
        await current?.close();
        await rm(root, { recursive: true, force: true });
      },
    };
  });
}

suite("the real file system", openNodeFileSystem, false);
suite("the forgetful file system", openForgetfulFileSystem, true);
