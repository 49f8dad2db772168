/** What is read of a request, whatever the framework. */
export interface RequestFacts {
  /** In capitals, such as `GET`. */
  readonly method: string;
  /** The target up to its query, as it was sent. */
  readonly path: string;
  /** The other end of the connection; null: the platform does not tell, or the connection has ended. */
  readonly peerAddress: string | null;
  /** The connection has ended, and its address is not to be had any more. Default false. */
  readonly hasEnded?: boolean;
  /** All values of `X-Forwarded-For`, joined by commas; null: there is none. */
  readonly forwardedFor: string | null;
}

/** The part of Node's requests, and of those that Express, Fastify and Nest build on them, that is read. */
export interface NodeRequestLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express: the target before routers took their part of it. */
  readonly originalUrl?: string | undefined;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  readonly socket?: { readonly remoteAddress?: string | undefined; readonly destroyed?: boolean } | null | undefined;
}

/** Facts of a request of Node's. */
export function factsOfNodeRequest(request: NodeRequestLike): RequestFacts {
  const forwardedFor = request.headers["x-forwarded-for"];
  return {
    method: request.method ?? "",
    path: (request.originalUrl ?? request.url ?? "").split("?", 1)[0]!,
    peerAddress: request.socket?.remoteAddress ?? null,
    hasEnded: request.socket?.destroyed ?? false,
    forwardedFor: forwardedFor === undefined ? null : String(forwardedFor),
  };
}

/** Facts of a `Request` of the web platform, which does not tell who is at the other end. */
export function factsOfWebRequest(
  request: { readonly method: string; readonly url: string; readonly headers: Pick<Headers, "get"> },
  peerAddress: string | null,
): RequestFacts {
  return {
    method: request.method,
    path: new URL(request.url).pathname,
    peerAddress,
    forwardedFor: request.headers.get("x-forwarded-for"),
  };
}
