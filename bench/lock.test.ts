import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import { mountsBelow } from './leftover.js';
import { takeLock } from './lock.js';
import { isAlive, startOf } from './run-name.js';

test('the lock is that of a run as long as it lives, whatever its number', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-bench-lock-'));
  t.after(() => { rmSync(directory, { recursive: true }); });
  const path = join(directory, 'lock');
  const first = takeLock('/one', path);
  assert.deepEqual(first.killed, []);
  assert.throws(() => takeLock('/two', path), new RegExp(`running already, process ${process.pid} `));
  // Another process with the same number: the run was killed.
  const record = JSON.parse(readFileSync(path, 'utf8')) as { started: string };
  writeFileSync(path, JSON.stringify({ ...record, started: '1' }));
  const killed = { pid: process.pid, started: '1', directory: '/one' };
  const second = takeLock('/two', path);
  assert.deepEqual(second.killed, [killed]);
  // What could not be removed is for the next.
  second.release();
  writeFileSync(path, readFileSync(path, 'utf8').replace(String(startOf(process.pid)), '2'));
  const third = takeLock('/three', path);
  assert.deepEqual(third.killed, [killed, { pid: process.pid, started: '2', directory: '/two' }]);
  third.forgetKilled();
  third.release();
  assert.deepEqual(readdirSync(directory), []);
});

test('a process that has ended is not alive, also when nobody has asked for its status', async () => {
  const parent = spawn('bash', ['-c', 'cat <&3 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  const [text] = (await once(parent.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
  const pid = Number(text.toString());
  assert.notEqual(startOf(pid), undefined);
  (parent.stdio[3] as Writable).end();
  while (startOf(pid) !== undefined) await new Promise(setImmediate);
  assert.equal(existsSync(`/proc/${pid}`), true);
  const run = { pid: parent.pid as number, started: startOf(parent.pid as number) as string };
  assert.equal(isAlive(run), true);
  const exited = once(parent, 'exit');
  parent.kill();
  await exited;
  assert.equal(isAlive(run), false);
});

test('of the mounts below a directory the innermost comes first', () => {
  const lines = ['/', '/var/tmp/b', '/var/tmp/bench', '/var/tmp/bench/depot/disks', '/var/tmp/bench/depot/disks/a\\040b', '/var/tmp/benches'];
  const text = lines.map((mountPoint) => `49 27 0:43 / ${mountPoint} rw - btrfs /dev/loop0 rw`).join('\n');
  assert.deepEqual(mountsBelow('/var/tmp/bench', `${text}\n`), ['/var/tmp/bench/depot/disks/a b', '/var/tmp/bench/depot/disks']);
});
