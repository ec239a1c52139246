import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parentSettings } from './parent-settings.js';
import { kernelProcessLimit, totalPidsMax } from './process-numbers.js';

test('the parent group has fixed shares and a limit of processes, each where its controller is', () => {
  const limits = { totalPidsMax: 24_576 };
  const group = (version: 1 | 2, ...controllers: string[]) => parentSettings({ version, mountPoint: '/c', controllers }, limits);
  assert.deepEqual(group(1, 'cpu', 'cpuacct'), [{ name: 'cpu.shares', content: '1024' }]);
  assert.deepEqual(group(1, 'pids'), [{ name: 'pids.max', content: '24576' }]);
  assert.deepEqual(group(2, 'cpu', 'memory', 'pids'), [{ name: 'cpu.weight', content: '100' }, { name: 'pids.max', content: '24576' }]);
  assert.deepEqual(group(1, 'freezer'), []);
});

test('containers have three quarters of what the kernel can have, or less where the file says so, never more', () => {
  assert.equal(totalPidsMax(undefined, 32_768), 24_576);
  assert.equal(totalPidsMax(undefined, 1001), 750);
  assert.equal(totalPidsMax(500, 32_768), 500);
  assert.equal(totalPidsMax(4_194_304, 32_768), 24_576);
  assert.equal(kernelProcessLimit((name) => (name === 'pid_max' ? '4194304\n' : '192729\n')), 192_729);
  assert.equal(kernelProcessLimit((name) => (name === 'pid_max' ? '32768\n' : '192729\n')), 32_768);
});
