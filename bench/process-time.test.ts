import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { accountOf, busyTime, kernelTime, parseAccount, parseTimeOfEnded, sumOf, threadsOf, timeOfEnded } from './process-time.js';

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

test('what children used that have ended is behind the name, whatever that is', () => {
  assert.equal(parseTimeOfEnded('17 (a) b) S 1 17 17 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 5000 1000 100'), 770_000);
});

test('what this process does is in its thread’s time and in that of all its threads', () => {
  const all = (): number => sumOf(threadsOf(process.pid).map((thread) => accountOf(process.pid, thread))).ran;
  const before = [accountOf(process.pid).ran, all()] as const;
  let sum = 0;
  while (accountOf(process.pid).ran - before[0] < 50_000) sum++;
  assert.ok(sum > 0 && all() - before[1] >= 50_000);
});

test('a child’s time is told when it has ended, and the kernel’s is there', () => {
  const before = timeOfEnded(process.pid);
  spawnSync('bash', ['-c', 'i=0; while ((i < 200000)); do i=$((i+1)); done']);
  assert.ok(timeOfEnded(process.pid) > before);
  assert.ok(kernelTime() > 0);
});
