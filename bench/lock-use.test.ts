import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockUse } from './lock-use.js';

/** So many samples of that time. */
const samples = (...parts: readonly (readonly [number, number])[]): number[] => parts.flatMap(([count, time]) => Array.from({ length: count }, () => time));

test('a lock is held as often as requests find it held', () => {
  assert.deepEqual(lockUse({ free: samples([100, 10]), locked: samples([100, 15]) }), { held: 0, waited: 0 });
  assert.deepEqual(lockUse({ free: samples([100, 10]), locked: samples([75, 15], [25, 215]) }), { held: 0.25, waited: 200 });
  const { held, waited } = lockUse({ free: samples([100, 10]), locked: samples([20, 15], [80, 515]) });
  assert.deepEqual([held, waited], [0.8, 500], 'also when it is mostly held');
});

test('what makes other requests late, too, is not the lock', () => {
  const { held } = lockUse({ free: samples([80, 10], [20, 900]), locked: samples([40, 15], [60, 900]) });
  assert.ok(Math.abs(held - 0.5) < 1e-9, `${held}`);
  assert.equal(lockUse({ free: samples([50, 10], [50, 900]), locked: samples([50, 15], [50, 900]) }).held, 0);
});
