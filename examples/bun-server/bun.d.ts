/** What server.ts uses of Bun, for the TypeScript compiler of this workspace; in a project of yours, install @types/bun. */
declare const Bun: {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    readonly development: boolean;
    error(error: Error): Response;
    readonly routes: Readonly<Record<string, BunRoute | { readonly POST: BunRoute }>>;
  }): BunServer;
};

type BunRoute = (
  request: Request & { readonly params: Readonly<Record<string, string>> },
  server: BunServer,
) => Promise<Response>;

interface BunServer {
  readonly url: URL;
  requestIP(request: Request): { readonly address: string } | null;
  stop(): Promise<void>;
}
