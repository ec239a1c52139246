import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuList } from './cpu-list.js';

test('lists of processors', () => {
  assert.deepEqual([...(parseCpuList('0-2,5') ?? [])], [0, 1, 2, 5]);
  assert.deepEqual([...(parseCpuList('3') ?? [])], [3]);
  assert.deepEqual([...(parseCpuList('') ?? [1])], []);
  assert.equal(parseCpuList('0-8191')?.size, 8192);
});

test('what is no list of processors', () => {
  for (const text of [',', '1,', '-1', '2-1', 'a', ' 1', '1 ', '1-', '0x1', '8192', '0-8192', '99999', '1--2', '0-1-2', '\n', '0\n', '1;2']) {
    assert.equal(parseCpuList(text), undefined, JSON.stringify(text));
  }
});
