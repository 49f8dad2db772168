/**
 * Loaded before a node's own code (`--import`): gives this process a disk whose flushes hang from one moment to the next,
 * as those of a controller that resets or a network volume that lost its server; what was asked for meanwhile is done when
 * they are let go. They hang while the file exists that QUORUMGUARD_NEMESIS_FLUSHES names; SIGUSR2 has it looked for again.
 */
import fs, { existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";

const file = process.env.QUORUMGUARD_NEMESIS_FLUSHES ?? "";
let waiting: (() => void)[] = [];
let hanging = false;

function look(): void {
  hanging = file !== "" && existsSync(file);
  if (hanging) return;
  const all = waiting;
  waiting = [];
  for (const go of all) go();
}

/** Goes on at once, or when flushes are let go. */
function whenLet(go: () => void): void {
  if (hanging) waiting.push(go);
  else go();
}

const { fsync, fdatasync } = fs;
fs.fsync = Object.assign((fd: number, done: fs.NoParamCallback) => whenLet(() => fsync(fd, done)), fsync);
fs.fdatasync = Object.assign((fd: number, done: fs.NoParamCallback) => whenLet(() => fdatasync(fd, done)), fdatasync);
// Whoever imported a name has the one that is there now.
syncBuiltinESMExports();

// The class of handles has no name of its own to be reached by.
const handle = await open(fileURLToPath(import.meta.url));
const handles = Object.getPrototypeOf(handle) as FileHandle;
await handle.close();
const { sync, datasync } = handles;
const letGo = () => new Promise<void>(whenLet);
handles.sync = async function (this: FileHandle) {
  await letGo();
  return sync.call(this);
};
handles.datasync = async function (this: FileHandle) {
  await letGo();
  return datasync.call(this);
};

look();
process.on("SIGUSR2", look);
