import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFigures, describeChanges, missedBudgets, newRows, worseThan } from './compare.js';
import type { Row } from './table.js';

const row = (name: string, unit: Row['unit'], warden: number, reference?: number): Row => ({ name, unit, warden, ...(reference === undefined ? {} : { reference }) });
const figures = (...rows: Row[]): { machine: string[]; rows: Row[] } => ({ machine: [], rows });

test('ratios are compared, not times: a slower machine is no worse', () => {
  const changes = compareFigures(figures(row('create', 'µs', 4000, 2000), row('ping', '/s', 900, 1000)), figures(row('create', 'µs', 8000, 4000), row('ping', '/s', 450, 500)));
  assert.deepEqual(changes.map(({ worseBy }) => worseBy), [0, 0]);
});

test('more time and less throughput are worse, the worst comes first', () => {
  const changes = compareFigures(
    figures(row('create', 'µs', 4000, 2000), row('ping', '/s', 900, 1000), row('memory', 'KiB', 10), row('info', 'µs', 500)),
    figures(row('create', 'µs', 4800, 2000), row('ping', '/s', 450, 1000), row('memory', 'KiB', 9), row('info', 'µs', 900)),
  );
  assert.deepEqual(changes.map(({ name, worseBy }) => [name, Math.round(worseBy * 100)]), [['ping', 100], ['create', 20], ['memory', -10]]);
  assert.deepEqual(worseThan(changes, 0.2).map(({ name }) => name), ['ping']);
});

test('rows that only one has, or that cannot be compared, are passed over', () => {
  const changes = compareFigures(figures(row('a', 'µs', 1, 1), row('b', 'µs', 1, 0), row('c', 'MiB', 1), row('d', 'µs', 1, 2)), figures(row('b', 'µs', 1, 1), row('c', 'MiB', 1, 1), row('e', 'µs', 1, 1)));
  assert.deepEqual(changes, []);
  assert.match(describeChanges(changes, 0.1)[0] ?? '', /no row to compare/);
});

test('people read what is worse, what is better, or that nothing is', () => {
  const before = figures(row('create', 'µs', 4000, 2000), row('destroy', 'µs', 2000, 1000), row('memory', 'KiB', 10));
  const lines = describeChanges(compareFigures(before, figures(row('create', 'µs', 5000, 2000), row('destroy', 'µs', 1000, 1000), row('memory', 'KiB', 10))), 0.15);
  assert.deepEqual(lines, ['worse than the committed figures by more than 15 %:', '  create: 2.00 × before, 2.50 × now (25 % worse)', 'better:', '  destroy: 2.00 × before, 1.00 × now (50 % better)']);
  assert.deepEqual(describeChanges(compareFigures(before, before), 0.15), ['none of 3 rows is more than 15 % worse than the committed ones']);
});

test('rows that the committed figures lack are told, when there is something to compare', () => {
  const before = figures(row('create', 'µs', 4000, 2000), row('pool', 'µs', 400));
  assert.deepEqual(newRows(before, figures(row('create', 'µs', 1, 1), row('pool', 'µs', 400, 2000), row('memory', 'KiB', 1), row('info', 'µs', 300))), ['pool', 'memory']);
});

test('a budget that was met and is not any more is told, with a ratio or without', () => {
  const budget = (name: string, met: boolean): Row => ({ ...row(name, 'ms', 1), budget: { text: '≤ 10 ms', met } });
  const before = figures(budget('loop', true), budget('ping', true), budget('run', false), row('list', 'µs', 1));
  assert.deepEqual(missedBudgets(before, figures(budget('loop', false), budget('ping', true), budget('run', false), row('list', 'µs', 1), budget('new', false))), ['loop: ≤ 10 ms']);
});
