// Tables for people: columns as wide as they need to be.
import { type Colour, noColours, type Paint } from './colour.js';
import { printable } from './print.js';

export interface Column {
  readonly heading: string;
  /** Numbers and times end in line. */
  readonly alignRight?: boolean;
  /** Which colour a cell has, if any. */
  readonly colour?: (cell: string) => Colour | undefined;
}

/** One line for each row, below the headings. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], paint: Paint = noColours): string {
  return `${tableLines(columns, rows, paint).join('\n')}\n`;
}

/** The same, the headings first. With `width` nothing is longer, and what does not fit is cut off. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], paint: Paint = noColours, width = Infinity): string[] {
  const clean = rows.map((row) => row.map((cell) => printable(cell.replace(/\s+/g, ' '))));
  const widths = columns.map(({ heading }, column) => Math.max(heading.length, ...clean.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], colourOf: (column: Column, cell: string) => Colour | undefined): string => {
    let left = width;
    const parts = cells.map((cell, index) => {
      const column = columns[index] as Column;
      const isLast = index === cells.length - 1;
      const padded = column.alignRight === true ? cell.padStart(widths[index] ?? 0) : isLast ? cell : cell.padEnd(widths[index] ?? 0);
      const text = (index === 0 ? padded : `  ${padded}`).slice(0, Math.max(0, left));
      left -= text.length;
      const colour = colourOf(column, cell);
      return colour === undefined ? text : paintedText(text, colour, paint);
    });
    return parts.join('').trimEnd();
  };
  return [line(columns.map(({ heading }) => heading), () => 'bold'), ...clean.map((row) => line(row, ({ colour }, cell) => colour?.(cell)))];
}

/** The spaces around it have no colour: the end of a line can be trimmed. */
function paintedText(text: string, colour: Colour, paint: Paint): string {
  const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  return `${before}${paint(colour, inner)}${after}`;
}
