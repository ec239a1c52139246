import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptByKernel, memoryEach, parseMachineMemory } from './kernel-memory.js';

const text = (numbers: readonly number[]): string => ['MemTotal', 'MemAvailable', 'SReclaimable', 'SUnreclaim', 'KernelStack', 'PageTables', 'Percpu']
  .map((name, index) => `${`${name}:`.padEnd(16)}${String(numbers[index]).padStart(8)} kB`).join('\n');

test('what each container takes is the difference by their number', () => {
  const before = parseMachineMemory(text([9999, 5000, 100, 200, 10, 20, 30]));
  const each = memoryEach(before, parseMachineMemory(text([9999, 4000, 110, 600, 50, 60, 130])), 10);
  assert.deepEqual(each, { available: 100, reclaimable: 1, unreclaimable: 40, stacks: 4, pageTables: 4, perProcessor: 10 });
  assert.equal(keptByKernel(each), 58);
});
