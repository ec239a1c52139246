import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceLimits } from 'warden-protocol';
import { rlimitNames, type RlimitName } from '../lib/rlimit-names.js';
import { limitsAbove, rlimitName, rlimitsOf } from './rlimits.js';

const infinity = 2n ** 64n - 1n;

function limitsOf(configured: [RlimitName, number][], requested: ResourceLimits = {}): Record<string, bigint> {
  const limits = rlimitsOf(new Map(configured), requested, () => false);
  for (const { soft, hard } of limits) assert.equal(soft, hard);
  return Object.fromEntries(limits.map(({ resource, soft }) => [rlimitName(resource), soft]));
}

test('each of the fifteen is the request\'s, else the configuration\'s, else the table\'s', () => {
  const usual = limitsOf([]);
  assert.deepEqual(Object.keys(usual).sort(), [...rlimitNames].sort());
  for (const name of rlimitNames) {
    assert.deepEqual(limitsOf([[name, 77]]), { ...usual, [name]: 77n });
    assert.deepEqual(limitsOf([[name, 77]], { [name]: 55n }), { ...usual, [name]: 55n });
    assert.deepEqual(limitsOf([[name, -1]]), { ...usual, [name]: infinity });
  }
});

test('nothing of a request is kept: the configuration is the same for the next one', () => {
  const configured: [RlimitName, number][] = [['nofile', 512]];
  const shared = new Map(configured);
  rlimitsOf(shared, { nofile: 9n, nproc: 9n }, () => false);
  assert.deepEqual([...shared], configured);
});

test('from 2^63 on there is no limit; 0 is a limit like any other, but no core dumps are 1', () => {
  for (const name of rlimitNames) {
    for (const value of [2n ** 63n, 2n ** 63n + 1n, infinity]) assert.equal(limitsOf([], { [name]: value })[name], infinity, name);
    assert.equal(limitsOf([], { [name]: 0n })[name], name === 'core' ? 1n : 0n);
    if (name !== 'cpu') assert.equal(limitsOf([], { [name]: 2n ** 63n - 1n })[name], 2n ** 63n - 1n);
  }
});

test('processor time beyond what the kernel can count is no limit', () => {
  const longest = 18_446_744_073n;
  assert.ok(longest * 1_000_000_000n <= infinity && (longest + 1n) * 1_000_000_000n > infinity);
  assert.equal(limitsOf([], { cpu: longest })['cpu'], longest);
  assert.equal(limitsOf([], { cpu: longest + 1n })['cpu'], infinity);
});

test('limits of the configuration that the server itself has not are found', () => {
  const hard = Array.from({ length: 16 }, () => infinity);
  hard[7] = 4096n;
  assert.deepEqual(limitsAbove(new Map([['nofile', 4096], ['cpu', 5]]), hard), []);
  assert.deepEqual(limitsAbove(new Map([['nofile', 8192], ['cpu', -1]]), hard), [{ name: 'nofile', hard: 4096n }]);
  assert.deepEqual(limitsAbove(new Map([['nofile', -1]]), hard), [{ name: 'nofile', hard: 4096n }]);
});
