/**
 * How wide a text is at most. Pictures are laid out before anybody knows which font the reader has, so the widths are
 * those of DejaVu Sans, the widest of the fonts that the families below fall back to: what fits in it fits in the others.
 */
export const sansFamily = 'system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,"DejaVu Sans",sans-serif';
/** For names of code and for bytes. */
export const monoFamily = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace';

/** How a text is set. */
export type TextFace = "regular" | "bold" | "mono";

/** Widths of the characters from space to tilde, in thousandths of the font size. */
const widths: Readonly<Record<Exclude<TextFace, "mono">, readonly number[]>> = {
  regular: numbers(
    "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636 636 337 337 838 838 838 531 " +
      "1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 603 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 " +
      "500 613 635 550 635 615 352 635 634 278 278 579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636 337 636 838",
  ),
  bold: numbers(
    "348 456 521 838 696 1002 872 306 457 457 523 838 380 415 380 365 696 696 696 696 696 696 696 696 696 696 400 400 838 838 838 580 " +
      "1000 774 762 734 830 683 683 821 837 372 372 775 637 995 837 850 733 850 770 720 682 812 774 1103 771 724 725 457 365 457 838 500 " +
      "500 675 716 593 716 678 435 716 712 343 343 665 343 1042 712 687 716 716 493 595 478 712 652 924 645 652 582 712 365 712 838",
  ),
};
const monoWidth = 602;
const firstCharacter = 32;
/** No character that we use is wider. */
const otherWidth = 1_000;

function numbers(list: string): readonly number[] {
  return list.split(" ").map(Number);
}

/** An upper bound of the width of `content`, in the unit of `size`. */
export function textWidth(content: string, size: number, face: TextFace = "regular"): number {
  let sum = 0;
  for (const character of content) {
    sum += face === "mono" ? monoWidth : (widths[face][character.codePointAt(0)! - firstCharacter] ?? otherWidth);
  }
  return (sum * size) / 1_000;
}

/** `content` in as few lines as fit into `maxWidth`, broken at spaces. A word that is wider has a line of its own. */
export function wrapText(content: string, size: number, maxWidth: number, face: TextFace = "regular"): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of content.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer, size, face) > maxWidth) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  if (line !== "") lines.push(line);
  return lines;
}
