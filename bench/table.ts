/* The results as rows: warden's figure, what it is compared with, budget and goal of the project. */
import type { Summary } from './statistics.js';

export type Unit = 'µs' | 'ms' | '/s' | 'MB/s' | 'MiB' | 'KiB' | '';

/** A bound on the figure or on its ratio to the reference; `text` is as the budget is written. */
export interface Bound { readonly text: string; readonly met: boolean }

export interface Row {
  readonly name: string;
  readonly unit: Unit;
  readonly warden: number;
  readonly p99?: number;
  readonly reference?: number;
  readonly referenceName?: string;
  /** What is compared: usually a quotient, for bash a difference. */
  readonly comparison?: string;
  readonly budget?: Bound;
  readonly goal?: Bound;
  readonly samples?: number;
}

export interface Reference { readonly name: string; readonly value: number }

interface RowOptions {
  readonly reference?: Reference;
  readonly comparison?: string;
  readonly budget?: Bound;
  readonly goal?: Bound;
}

export function rowOf(name: string, unit: Unit, figure: Summary | number, { reference, ...options }: RowOptions = {}): Row {
  const summary = typeof figure === 'number' ? undefined : figure;
  const warden = typeof figure === 'number' ? figure : figure.median;
  return {
    name, unit, warden,
    ...(summary === undefined ? {} : { p99: summary.p99, samples: summary.count }),
    ...(reference === undefined ? {} : { reference: reference.value, referenceName: reference.name, comparison: `${(warden / reference.value).toFixed(2)} ×` }),
    ...options,
  };
}

/** At most `factor` times the reference. */
export function atMostTimes(factor: number, figure: number, reference: number, of = 'floor'): Bound {
  return { text: `≤ ${factor} × ${of}`, met: figure <= factor * reference };
}

/** At least so many per cent of the reference. */
export function atLeastPercent(percent: number, figure: number, reference: number): Bound {
  return { text: `≥ ${percent} %`, met: figure >= percent / 100 * reference };
}

export function atMost(limit: number, unit: string, figure: number): Bound {
  return { text: `≤ ${limit} ${unit}`, met: figure <= limit };
}

/** Of memory, whose budgets are powers of ten: MB are 10^6 bytes. */
export function atMostBytes(limit: number, unit: 'KB' | 'MB', bytes: number): Bound {
  return atMost(limit, unit, bytes / (unit === 'KB' ? 1e3 : 1e6));
}

export function atLeast(limit: number, unit: string, figure: number): Bound {
  return { text: `≥ ${limit} ${unit}`, met: figure >= limit };
}

export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function formatBound(bound: Bound | undefined): string {
  return bound === undefined ? '' : `${bound.text}: ${bound.met ? 'met' : '**not met**'}`;
}

export function markdownTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.name,
    row.unit === '' ? String(row.warden) : `${formatNumber(row.warden)} ${row.unit}`,
    row.p99 === undefined ? '' : formatNumber(row.p99),
    row.reference === undefined ? '' : `${formatNumber(row.reference)} ${row.unit} (${row.referenceName ?? 'floor'})`,
    row.comparison ?? '',
    formatBound(row.budget),
    formatBound(row.goal),
  ]);
  return [['what', 'warden, median', 'p99', 'compared with', 'ratio', 'budget', 'goal'], ['---', '---:', '---:', '---', '---:', '---', '---'], ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
