import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineTime, parseMachineTime, threadTime } from './processor-time.js';

test('the machine has worked for the sum of what it did, without what it waited', () => {
  assert.equal(parseMachineTime('cpu  100 20 300 5000 600 7 8 9 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n'), 4_350_000);
});

test('what this process does is in its thread’s time and in the machine’s', () => {
  const before = [threadTime(process.pid), machineTime()];
  let sum = 0;
  while (threadTime(process.pid) - (before[0] ?? 0) < 50_000) sum++;
  assert.ok(sum > 0 && machineTime() > (before[1] ?? 0));
});
