/** The part of a page's or worker's global scope that tells where it came from. */
export interface PageScope {
  readonly location?: { readonly origin: string; readonly protocol: string };
  readonly origin?: string;
}

/**
 * The origin that a page's paths lead to; null: there is none. A frame of `srcdoc` has that of the page around it, which its own
 * address does not tell.
 */
export function pageOrigin({ location, origin }: PageScope = globalThis as PageScope): string | null {
  if (location === undefined) return null;
  return [location.origin, origin].find((each) => each !== undefined && each !== "null") ?? null;
}
