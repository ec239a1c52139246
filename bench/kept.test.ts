import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptRows } from './kept.js';
import type { Before, Kept } from './kept.js';

const nothing = { available: 0, reclaimable: 0, unreclaimable: 0, stacks: 0, pageTables: 0, perProcessor: 0 };
const before: Before = { memory: nothing, resident: 80_000 };
const one = { descriptors: 5, threads: 1, mounts: 3 };

/** @param descriptors of wardend */
function kept(count: number, kernel: number, resident: number, descriptors: number): Kept {
  return {
    count, memory: { ...nothing, unreclaimable: kernel }, processes: { monitors: 50, inits: 60 }, resident,
    counts: { wardend: { ...one, descriptors }, launcher: one, monitor: one, wshd: one },
  };
}

const rowsOf = (few: Kept, many: Kept): Map<string, ReturnType<typeof keptRows>[number]> => new Map(keptRows(before, few, many).map((row) => [row.name, row]));
const PROCESSES = 'memory for each of 1000: its processes, PSS';
const KERNEL = '… the kernel’s, not to be had back';
const WARDEND = 'wardend, resident, more for each of 1000';
const DESCRIPTORS = 'descriptors of wardend with 1000';

test('what stays the same for each container grows in proportion, and is within its budgets', () => {
  const rows = rowsOf(kept(250, 700, 84_000, 290), kept(1000, 700, 96_000, 1040));
  assert.deepEqual([rows.get(PROCESSES)?.warden, rows.get(PROCESSES)?.comparison], [110, 'n^1.00 from 250 to 1000, with 250 110.0; monitor 50, wshd 60']);
  assert.deepEqual([PROCESSES, KERNEL, WARDEND, DESCRIPTORS].map((name) => rows.get(name)?.budget?.met), [true, true, true, true]);
  assert.deepEqual([rows.get(WARDEND)?.warden, rows.get(WARDEND)?.budget?.text], [16, '≤ 20 KB']);
  assert.equal(rows.get('wardend, resident, with 1000')?.warden, 93.75);
});

test('what grows for each container is told', () => {
  const rows = rowsOf(kept(250, 700, 84_000, 290), kept(1000, 1400, 100_000, 4000));
  assert.deepEqual([PROCESSES, KERNEL, WARDEND, DESCRIPTORS].map((name) => rows.get(name)?.budget?.met), [true, false, false, false]);
});

test('memory that other programs gave back meanwhile is no growth', () => {
  const rows = rowsOf(kept(250, -10, 79_000, 40), kept(1000, -5, 79_500, 40));
  assert.deepEqual([KERNEL, WARDEND, DESCRIPTORS].map((name) => rows.get(name)?.budget?.met), [true, true, true]);
});

test('the names of rows are the same for other figures, so that runs can be compared', () => {
  const names = (memory: number): string[] => keptRows(before, kept(250, memory, 84_000, 290), kept(1000, memory, 96_000 + memory, 1040 + memory)).map(({ name }) => name);
  assert.deepEqual(names(700), names(800));
});
