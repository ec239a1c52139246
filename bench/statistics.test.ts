import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentile, summarize } from './statistics.js';

test('percentiles are samples, by the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual(summarize([...hundred].reverse()), { count: 100, median: 50, p99: 99, minimum: 1, maximum: 100 });
  assert.deepEqual(summarize([7]), { count: 1, median: 7, p99: 7, minimum: 7, maximum: 7 });
  assert.equal(percentile([1, 2, 3], 0.5), 2);
});

test('no samples are an error and not a NaN in a table', () => {
  assert.throws(() => summarize([]), /no samples/);
});
