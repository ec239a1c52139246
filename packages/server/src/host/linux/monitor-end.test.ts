import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { monitorEnd } from './monitor-end.js';

test('a refused connection is a dead monitor; a socket that is gone is one that destroyed, died, or lives', () => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-end-'));
  const socket = join(directory, 'monitor.sock');
  const pidFile = join(directory, 'monitor.pid');
  try {
    assert.equal(monitorEnd(socket, 'ECONNREFUSED'), 'dead');
    assert.equal(monitorEnd(socket, 'EAGAIN'), undefined);
    assert.equal(monitorEnd(socket, undefined), undefined);
    for (const code of ['ENOENT', 'ECONNRESET']) assert.equal(monitorEnd(socket, code), 'destroyed', code);
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    writeFileSync(pidFile, `${process.pid} ${startTime}\n`);
    assert.equal(monitorEnd(socket, 'ENOENT'), undefined, 'its process runs: somebody removed the socket');
    assert.equal(monitorEnd(socket, 'ECONNRESET'), undefined, 'or closed one connection');
    for (const text of [`${process.pid} ${Number(startTime) + 1}\n`, '4194305 1\n', '', 'self 1\n']) {
      writeFileSync(pidFile, text);
      for (const code of ['ENOENT', 'ECONNRESET']) assert.equal(monitorEnd(socket, code), 'dead', text);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
