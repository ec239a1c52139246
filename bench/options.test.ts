import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions, sections } from './options.js';

const liveOf = (...argv: string[]): number | undefined => parseOptions(argv)?.live;

test('the usual run has as many live containers as the budgets are about', () => {
  assert.deepEqual([liveOf(), liveOf('--scale'), liveOf('--quick'), liveOf('--quick', '--scale'), liveOf('--live', '0')], [1000, 1000, 50, 200, 0]);
  assert.throws(() => liveOf('--live', '1001'), /--live must be an integer from 0 to 1000/);
});

test('growth needs two sizes', () => {
  assert.throws(() => liveOf('--scale', '--live', '7'), /at least 8 for scale/);
  assert.throws(() => liveOf('--only', 'ping,scale', '--live', '1'), /at least 8 for scale/);
  assert.deepEqual([liveOf('--scale', '--live', '8'), liveOf('--live', '1')], [8, 1]);
});

test('what takes long is measured when it is asked for, everything else is usual', () => {
  assert.deepEqual([...parseOptions([])?.only ?? []], sections.filter((name) => name !== 'scale' && name !== 'model'));
  assert.deepEqual([...parseOptions(['--scale'])?.only ?? []], ['scale']);
  assert.throws(() => parseOptions(['--only', 'lifecycles']), /--only: lifecycles is none of lifecycle, pool,/);
});
