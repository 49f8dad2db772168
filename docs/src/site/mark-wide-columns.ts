/** A column whose longest line has more characters than this holds sentences, not words. */
const wordsAtMost = 30;

/**
 * Gives the class `wide` to the cells of each column of text, so that a narrow screen lets the table scroll rather than
 * squeeze its sentences into columns of one word. Takes and returns a page's HTML.
 */
export function markWideColumns(html: string): string {
  return html.replaceAll(/<table[\s>].*?<\/table>/gs, (table) => {
    const wide = wideColumnsOf(table);
    return mapCells(table, (cell, column) => (wide.has(column) ? cell.replace(/^<t[hd]/, '$& class="wide"') : cell));
  });
}

function wideColumnsOf(table: string): ReadonlySet<number> {
  const wide = new Set<number>();
  mapCells(table, (cell, column) => {
    const lines = cell.split(/<br\s*\/?>/).map((line) => line.replaceAll(/<[^>]*>/g, "").replaceAll(/&[^;\s]+;/g, "x"));
    if (lines.some((line) => line.length > wordsAtMost)) wide.add(column);
    return cell;
  });
  return wide;
}

/** Calls back for each cell, rows and columns in order. */
function mapCells(table: string, replace: (cell: string, column: number) => string): string {
  return table.replaceAll(/<tr[\s>].*?<\/tr>/gs, (row) => {
    let column = 0;
    return row.replaceAll(/<(t[hd])[\s>].*?<\/\1>/gs, (cell) => replace(cell, column++));
  });
}
