import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { kernelTime, parseTimeOfEnded, processTime, threadTime, timeOfEnded } from './processor-time.js';

test('what children used that have ended is behind the name, whatever that is', () => {
  assert.equal(parseTimeOfEnded('17 (a) b) S 1 17 17 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 5000 1000 100'), 770_000);
});

test('what this process does is in its thread’s time and in its own', () => {
  const before = [threadTime(process.pid), processTime(process.pid)] as const;
  let sum = 0;
  while (threadTime(process.pid) - before[0] < 50_000) sum++;
  assert.ok(sum > 0 && processTime(process.pid) - before[1] >= 50_000);
});

test('a child’s time is told when it has ended, and the kernel’s is there', () => {
  const before = timeOfEnded(process.pid);
  spawnSync('bash', ['-c', 'i=0; while ((i < 200000)); do i=$((i+1)); done']);
  assert.ok(timeOfEnded(process.pid) > before);
  assert.ok(kernelTime() > 0);
});
