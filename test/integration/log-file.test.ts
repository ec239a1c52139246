/* The log: moved away, and on a disk that is full. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { runProgram } from '../harness/run-program.js';

const server = useServer();

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { msg: string }).msg);
}

test('after SIGHUP the log goes on in a new file of its name', async () => {
  const directory = `${server.slot.directory}/log`;
  mkdirSync(directory);
  await server.restart({ logging: { file: `${directory}/wardend.log` } });
  const client = await server.connect();
  renameSync(`${directory}/wardend.log`, `${directory}/wardend.log.1`);
  await client.ping();
  const watcher = watch(directory);
  server.daemon.child.kill('SIGHUP');
  await once(watcher, 'change');
  watcher.close();
  await client.ping();
  assert.equal(lines(`${directory}/wardend.log.1`).includes('ready'), true);
  assert.deepEqual([...new Set(lines(`${directory}/wardend.log`))], ['the configuration was read anew', 'request']);
  await server.restart({});
});

test('SIGHUP without a log file changes nothing', async () => {
  const { client, handle } = await server.container();
  server.daemon.child.kill('SIGHUP');
  assert.equal(output(await client.run(handle, 'echo here')), 'here\n');
});

test('a log on a full disk costs its lines, and no request', async () => {
  const directory = `${server.slot.directory}/small`;
  mkdirSync(directory);
  assert.equal((await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'warden-test', directory])).status, 0);
  try {
    await server.restart({ logging: { file: `${directory}/wardend.log` } });
    const { client, handle } = await server.container();
    assert.throws(() => writeFileSync(`${directory}/filler`, Buffer.alloc(128 * 1024)), /ENOSPC/);
    for (let round = 0; round < 200; round++) await client.ping();
    assert.equal(output(await client.run(handle, 'echo served')), 'served\n');
    const other = await server.container();
    await other.client.destroy(other.handle);
    const { size } = statSync(`${directory}/wardend.log`);
    rmSync(`${directory}/filler`);
    await client.ping();
    assert.ok(statSync(`${directory}/wardend.log`).size > size, 'it goes on when there is room');
    assert.deepEqual(lines(`${directory}/wardend.log`).slice(-1), ['request']);
    await server.restart({});
  } finally {
    assert.equal((await runProgram('umount', [directory])).status, 0);
  }
});
