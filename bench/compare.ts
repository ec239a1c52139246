/* `npm run bench:check`: which ratios have become worse since they were committed. Absolute times differ between machines and hours; they are not compared. */
import type { Row, Unit } from './table.js';
import { formatNumber } from './table.js';

/** What figures.json keeps. */
export interface Figures {
  readonly machine: readonly string[];
  readonly rows: readonly Row[];
}

export interface Change {
  readonly name: string;
  readonly before: number;
  readonly now: number;
  /** What is compared: times the reference, or a size. */
  readonly unit: '×' | Unit;
  /** 0.2: a fifth worse; negative: better. */
  readonly worseBy: number;
}

const largerIsBetter: ReadonlySet<Unit> = new Set(['/s', 'MB/s']);
const sizes: ReadonlySet<Unit> = new Set(['MiB', 'KiB']);

/** Undefined: nothing of the row is the same on another machine. */
function comparable({ unit, warden, reference }: Row): { readonly value: number; readonly unit: '×' | Unit } | undefined {
  if (reference !== undefined && reference > 0) return { value: warden / reference, unit: '×' };
  return sizes.has(unit) ? { value: warden, unit } : undefined;
}

/** Rows that both have, the worst first. */
export function compareFigures(before: Figures, now: Figures): Change[] {
  const known = new Map(before.rows.map((row) => [row.name, row]));
  const changes: Change[] = [];
  for (const row of now.rows) {
    const old = known.get(row.name);
    const [was, is] = [old === undefined ? undefined : comparable(old), comparable(row)];
    if (was === undefined || is === undefined || was.unit !== is.unit || was.value <= 0 || is.value <= 0) continue;
    const worseBy = largerIsBetter.has(row.unit) ? was.value / is.value - 1 : is.value / was.value - 1;
    changes.push({ name: row.name, before: was.value, now: is.value, unit: is.unit, worseBy });
  }
  return changes.sort((one, other) => other.worseBy - one.worseBy);
}

/** Rows that could be compared, had the committed figures them. */
export function newRows(before: Figures, now: Figures): string[] {
  const known = new Set(before.rows.filter((row) => comparable(row) !== undefined).map(({ name }) => name));
  return now.rows.filter((row) => comparable(row) !== undefined && !known.has(row.name)).map(({ name }) => name);
}

/** Rows whose budget the committed figures meet and these do not: what is an absolute time has no ratio that could tell, and may be the machine's. */
export function missedBudgets(before: Figures, now: Figures): string[] {
  const met = new Set(before.rows.filter(({ budget }) => budget?.met === true).map(({ name }) => name));
  return now.rows.filter(({ name, budget }) => budget?.met === false && met.has(name)).map(({ name, budget }) => `${name}: ${budget?.text ?? ''}`);
}

/**
 * As lines for people.
 * @param tolerance 0.15: a row may be so much worse before it is told of
 */
export function describeChanges(changes: readonly Change[], tolerance: number): string[] {
  if (changes.length === 0) return ['no row to compare: the committed figures have none of these'];
  const line = ({ name, before, now, unit, worseBy }: Change): string => `${name}: ${formatNumber(before)} ${unit} before, ${formatNumber(now)} ${unit} now (${Math.round(Math.abs(worseBy) * 100)} % ${worseBy > 0 ? 'worse' : 'better'})`;
  const worse = worseThan(changes, tolerance);
  const better = changes.filter(({ worseBy }) => worseBy < 0 && 1 / (1 + worseBy) - 1 > tolerance).reverse();
  return [
    worse.length === 0 ? `none of ${changes.length} rows is more than ${Math.round(tolerance * 100)} % worse than the committed ones` : `worse than the committed figures by more than ${Math.round(tolerance * 100)} %:`,
    ...worse.map((change) => `  ${line(change)}`),
    ...(better.length === 0 ? [] : ['better:', ...better.map((change) => `  ${line(change)}`)]),
  ];
}

export function worseThan(changes: readonly Change[], tolerance: number): Change[] {
  return changes.filter(({ worseBy }) => worseBy > tolerance);
}
