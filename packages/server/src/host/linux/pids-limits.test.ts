import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LinuxPidsLimits } from './pids-limits.js';

test('pids.max of a container\'s group is written and read', () => {
  const parent = mkdtempSync(join(tmpdir(), 'pids-limits-'));
  try {
    mkdirSync(join(parent, 'one'));
    writeFileSync(join(parent, 'one/pids.max'), '1024\n');
    const limits = new LinuxPidsLimits({ groupOf: (id, controller) => ({ path: join(parent, id), version: controller === 'pids' ? 2 : 1 }) });
    assert.equal(limits.read('one'), 1024n);
    limits.write('one', 7n);
    assert.deepEqual([readFileSync(join(parent, 'one/pids.max'), 'utf8'), limits.read('one')], ['7', 7n]);
    limits.write('one', undefined);
    assert.deepEqual([readFileSync(join(parent, 'one/pids.max'), 'utf8'), limits.read('one')], ['max', undefined]);
    assert.throws(() => limits.write('two', 7n), { code: 'ENOENT' }, 'a group that is not there is not made');
  } finally {
    rmSync(parent, { recursive: true });
  }
});

test('without the controller they say so', () => {
  const limits = new LinuxPidsLimits({ groupOf: () => undefined });
  for (const call of [() => limits.read('one'), () => limits.write('one', 1n)]) assert.throws(call, { code: 'unsupported', message: /^the pids controller of cgroups is not available/ });
});
