import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeGrowth, exponentBetween, notFasterThanLinear } from './growth.js';

const at = (count: number, cost: number): { count: number; cost: number } => ({ count, cost });

test('the exponent is that of the power by which a cost grows', () => {
  assert.ok(Math.abs(exponentBetween(at(250, 100), at(1000, 400)) - 1) < 1e-9);
  assert.ok(Math.abs(exponentBetween(at(250, 100), at(1000, 1600)) - 2) < 1e-9);
  assert.equal(exponentBetween(at(10, 7), at(100, 7)), 0);
  assert.equal(describeGrowth(at(250, 100), at(1000, 200)), 'n^0.50 from 250 to 1000');
});

test('what grows with the square, or nearly, is told; what grows in proportion is not', () => {
  assert.deepEqual(notFasterThanLinear(at(250, 100), at(1000, 420)), { text: 'no faster than linear', met: true });
  for (const cost of [600, 800, 1600]) assert.equal(notFasterThanLinear(at(250, 100), at(1000, cost)).met, false);
});

test('there have to be two sizes', () => {
  assert.throws(() => exponentBetween(at(100, 1), at(100, 2)), /two sizes/);
  assert.throws(() => exponentBetween(at(0, 1), at(100, 2)), /two sizes/);
});
