import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isRunning, serverOf } from './depot-server.mjs';

/** Says when it has the lock; ends with its input. */
const program = `
const { spawn } = require('node:child_process');
const [, , lock, how] = process.argv;
if (how === 'none') process.stdout.write('ready');
else spawn('flock', ['--nonblock', how, lock, 'sh', '-c', 'printf ready; read end'], { stdio: ['pipe', 'inherit', 'inherit'] });
process.stdin.once('end', () => process.exit()).resume();
`;

/**
 * A process that looks like a server.
 * @param {import('node:test').TestContext} t
 * @param {string} directory
 * @param {string} lock
 * @param {'--exclusive' | '--shared' | 'none'} how
 */
async function server(t, directory, lock, how) {
  const path = join(directory, 'wardend');
  writeFileSync(path, program);
  const child = spawn(process.execPath, [path, lock, how], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.stdin.end();
    await exited;
  });
  await once(child.stdout, 'data');
  return { pid: child.pid ?? assert.fail('it has not started'), end: () => { child.stdin.end(); return exited; } };
}

/** @param {import('node:test').TestContext} t */
function directoryOf(t) {
  const directory = mkdtempSync(join(tmpdir(), 'warden-depot-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const lock = join(directory, 'lock');
  return { directory, lock, says: (/** @type {number | string} */ owner) => writeFileSync(lock, `${owner}\n`) };
}

test('the server of a depot is whose child holds its lock', async (t) => {
  const { directory, lock, says } = directoryOf(t);
  assert.equal(serverOf(directory), undefined, 'there is no lock');
  says('');
  const { pid, end } = await server(t, directory, lock, '--exclusive');
  assert.equal(serverOf(directory), undefined, 'nobody has written down who it is');
  says(process.pid);
  assert.equal(serverOf(directory), undefined, 'a process that is no server');
  says(pid);
  const found = serverOf(directory);
  assert.equal(found?.pid, pid);
  assert.ok(found !== undefined && isRunning(found));
  assert.equal(isRunning({ ...found, startTime: '1' }), false, 'one of that number that has begun before');
  await end();
  assert.deepEqual([serverOf(directory), isRunning(found)], [undefined, false]);
});

test('the number in a lock that a killed server has left may be that of another server', async (t) => {
  const { directory, lock, says } = directoryOf(t);
  const other = directoryOf(t);
  other.says('');
  for (const [of, how] of /** @type {const} */ ([[lock, 'none'], [lock, '--shared'], [other.lock, '--exclusive']])) {
    says('');
    const { pid, end } = await server(t, directory, of, how);
    says(pid);
    assert.equal(serverOf(directory), undefined, `${how} ${of}`);
    await end();
  }
});
