import type { Subject } from "../page/page.ts";

declare global {
  /** What the page's script left there; a case's code runs in the page. */
  const subject: Subject;
}
