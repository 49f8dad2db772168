import { vi } from "vitest";

/** Where React mounts what draws nothing: it asks no more of a page. It stands in globals that `vi.unstubAllGlobals` takes away. */
export function emptyPage(): HTMLElement {
  const document = Object.assign(new EventTarget(), { nodeType: 9, visibilityState: "visible" });
  vi.stubGlobal("document", document);
  vi.stubGlobal("window", { HTMLIFrameElement: EventTarget });
  // All of React's work is done by the end of `act`: none comes to a page that is gone.
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  const main = { nodeType: 1, tagName: "MAIN", ownerDocument: document, textContent: "" };
  return Object.assign(new EventTarget(), main) as unknown as HTMLElement;
}
