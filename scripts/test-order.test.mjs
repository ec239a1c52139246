import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './setup/prepare.mjs';
import { ALONE, arrange, IN_TURN, LONGEST } from './test-order.mjs';
import { sourceName } from './test-run.mjs';

test('every file that is named exists', () => {
  for (const file of [...Object.keys(ALONE), ...IN_TURN.flat(), ...LONGEST]) assert.ok(existsSync(join(root, sourceName(file))), file);
});

test('every file is run once: alone, in turn with others, or beside any', () => {
  const files = ['test/dist/e2e/a.test.js', ...Object.keys(ALONE), ...IN_TURN.flat(), 'test/dist/e2e/z.test.js', ...LONGEST.filter((file) => !IN_TURN.flat().includes(file))];
  const { together, alone } = arrange(files);
  assert.deepEqual([...together.flat(), ...alone].sort(), [...files].sort());
  assert.deepEqual(alone.sort(), Object.keys(ALONE).sort());
  for (const list of IN_TURN) assert.ok(together.some((other) => other.join() === list.join()), list.join());
});

test('what takes longest begins first, and the order stays otherwise', () => {
  const { together } = arrange(['test/dist/e2e/a.test.js', ...[...LONGEST].reverse(), 'test/dist/e2e/z.test.js']);
  assert.deepEqual(together.map(([first]) => first), [...LONGEST, 'test/dist/e2e/a.test.js', 'test/dist/e2e/z.test.js']);
});

test('of files in turn only those that are wanted run', () => {
  const [first, , third] = IN_TURN[0] ?? [];
  assert.deepEqual(arrange([third ?? '', first ?? '']).together, [[first, third]]);
});
