import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharesOfWeight, weightOfShares } from './cpu-weight.js';

test('shares and weights: defaults, proportions and ends', () => {
  for (const [shares, weight] of [[1024n, 100n], [512n, 50n], [2048n, 200n], [256n, 25n], [102_400n, 10_000n], [2n, 1n], [15n, 1n], [16n, 2n], [262_144n, 10_000n]] as const) {
    assert.equal(weightOfShares(shares), weight, `${shares} shares`);
  }
  assert.equal(sharesOfWeight(100n), 1024n);
  assert.equal(sharesOfWeight(1n), 10n);
  assert.equal(sharesOfWeight(10_000n), 102_400n);
});

test('what is read back stays what it is when it is set again', () => {
  for (let weight = 1n; weight <= 10_000n; weight++) assert.equal(weightOfShares(sharesOfWeight(weight)), weight);
});

test('no share count is further from what is in force than the half of a weight', () => {
  for (let shares = 10n; shares <= 102_400n; shares++) {
    const off = sharesOfWeight(weightOfShares(shares)) - shares;
    assert.ok(off >= -6n && off <= 6n, `${shares}: ${off}`);
  }
});
