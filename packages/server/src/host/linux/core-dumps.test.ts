import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinuxCoreDumps } from './core-dumps.js';
import { hardLimits } from './preflight.js';

test('core dumps leave their container by a program, a socket, or an absolute path with suid_dumpable 2', () => {
  const leave = (pattern: string, suidDumpable = '0'): boolean =>
    new LinuxCoreDumps((path) => (path.endsWith('core_pattern') ? `${pattern}\n` : `${suidDumpable}\n`)).leaveContainers();
  assert.deepEqual(['|/usr/lib/systemd/systemd-coredump %P', '@/run/cores'].map((pattern) => leave(pattern)), [true, true]);
  assert.deepEqual(['core', 'core.%p', '/var/cores/%e', ''].map((pattern) => leave(pattern)), [false, false, false, false]);
  assert.deepEqual([leave('/var/cores/%e', '2'), leave('core', '2'), leave('/var/cores/%e', '1')], [true, false, false]);
});

test('hard limits are read by their numbers', () => {
  const text = 'Limit                     Soft Limit           Hard Limit           Units     \n'
    + 'Max cpu time              unlimited            unlimited            seconds   \n'
    + 'Max file size             5                    18446744073709551614 bytes     \n'
    + 'Max nice priority         0                    7                              \n';
  assert.deepEqual(hardLimits(text), [2n ** 64n - 1n, 2n ** 64n - 2n, 7n]);
  assert.equal(hardLimits().length, 16);
});
