import assert from 'node:assert/strict';
import { mkdtempSync, openSync, closeSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesOf } from './leftover.js';

test('what a process has open is known, also when it closes one of them meanwhile', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-files-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const fd of ['3', '5']) symlinkSync(`/depot/${fd}`, join(directory, fd));
  // As one that was closed after the list was made: it is no link that could be read.
  writeFileSync(join(directory, '4'), '');
  assert.deepEqual(filesOf(directory).sort(), ['/depot/3', '/depot/5']);
  assert.deepEqual(filesOf(join(directory, 'ended')), []);
  const descriptor = openSync(directory, 'r');
  assert.ok(filesOf(`/proc/${process.pid}/fd`).includes(directory), 'the list itself is closed by then');
  closeSync(descriptor);
});
