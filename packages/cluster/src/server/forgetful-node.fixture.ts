/**
 * One real node over the file system that forgets what was not flushed: killing this process is a power failure.
 * Its options are the JSON of its first argument; it prints its addresses as one JSON line once it listens.
 */

import { openForgetfulFileSystem } from "../storage/forgetful-file-system.ts";
import { startServer } from "./start-server.ts";

const { root, ...options } = JSON.parse(process.argv[2] ?? "{}");
const files = await openForgetfulFileSystem({ root });
const server = await startServer({ ...options, files });
server.failed.then((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
process.stdout.write(`${JSON.stringify(server.addresses)}\n`);
