import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountOf, busyTime, parseAccount, sumOf } from './process-time.js';

test('an account is in microseconds', () => {
  assert.deepEqual(parseAccount('238637 1500 7\n'), { ran: 238.637, waited: 1.5, slices: 7 });
  assert.deepEqual(sumOf([{ ran: 1, waited: 2, slices: 3 }, { ran: 10, waited: 20, slices: 30 }]), { ran: 11, waited: 22, slices: 33 });
});

test('a process that is gone has none, this one has', () => {
  assert.deepEqual(accountOf(0), { ran: 0, waited: 0, slices: 0 });
  assert.ok(accountOf(process.pid).ran > 0);
});

test('waiting for disks and being idle is not busy', () => {
  assert.equal(busyTime('cpu  100 20 30 4000 500 6 7 8 0 0\ncpu0 1 1 1 1\n'), 1_630_000);
});
