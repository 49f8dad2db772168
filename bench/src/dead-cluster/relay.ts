/** Passes TCP connections on, from ports to endpoints that its first argument names as JSON, until it is killed. */
import { connect, createServer } from "node:net";

const pairs = JSON.parse(process.argv[2]!) as readonly { readonly from: number; readonly to: string }[];
await Promise.all(
  pairs.map(({ from, to }) => {
    const colon = to.lastIndexOf(":");
    const server = createServer((near) => {
      const far = connect({ host: to.slice(0, colon), port: Number(to.slice(colon + 1)), noDelay: true });
      near.setNoDelay(true);
      near.pipe(far);
      far.pipe(near);
      near.on("error", () => far.destroy());
      far.on("error", () => near.destroy());
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    });
    return new Promise<void>((resolve) => server.listen(from, "127.0.0.1", resolve));
  }),
);
process.send?.("listening");
