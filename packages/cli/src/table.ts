// Tables for people: columns as wide as they need to be.
import { printable } from './print.js';

export interface Column {
  readonly heading: string;
  /** Numbers and times end in line. */
  readonly alignRight?: boolean;
}

/** One line for each row, below the headings. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map((cell) => printable(cell.replace(/\s+/g, ' '))));
  const widths = columns.map(({ heading }, column) => Math.max(heading.length, ...clean.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) =>
    columns[column]?.alignRight === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd();
  return `${[columns.map(({ heading }) => heading), ...clean].map(line).join('\n')}\n`;
}
