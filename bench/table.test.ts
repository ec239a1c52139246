import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeastPercent, atMostBytes, atMostTimes, markdownTable, rowOf } from './table.js';

test('budgets of memory are powers of ten, figures are powers of two', () => {
  assert.deepEqual(atMostBytes(20, 'KB', 19.5 * 1024), { text: '≤ 20 KB', met: true });
  assert.equal(atMostBytes(20, 'KB', 19.6 * 1024).met, false);
  assert.equal(atMostBytes(90, 'MB', 85.8 * 1024 ** 2).met, true);
  assert.equal(atMostBytes(90, 'MB', 86 * 1024 ** 2).met, false);
});

test('a bound on a ratio is one on the reference of the same run', () => {
  assert.deepEqual([atMostTimes(2, 4000, 2000).met, atMostTimes(2, 4001, 2000).met], [true, false]);
  assert.deepEqual([atLeastPercent(60, 60, 100).met, atLeastPercent(60, 59, 100).met], [true, false]);
});

test('a row says what it is compared with, and whether budget and goal are met', () => {
  const rows = [rowOf('create', 'µs', { count: 3, median: 4000, p99: 4500, minimum: 1, maximum: 4500 }, { reference: { name: 'floor', value: 2500 }, budget: atMostTimes(2, 4000, 2500), goal: atMostTimes(1.5, 4000, 2500) }), rowOf('descriptors', '', 1040)];
  assert.deepEqual(markdownTable(rows).split('\n').slice(2), [
    '| create | 4,000 µs | 4,500 | 2,500 µs (floor) | 1.60 × | ≤ 2 × floor: met | ≤ 1.5 × floor: **not met** |',
    '| descriptors | 1040 |  |  |  |  |  |',
  ]);
});
