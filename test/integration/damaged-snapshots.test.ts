/* What a server does with a living container whose snapshot it cannot use: it leaves it alone, whatever else is asked of it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { isAlive } from '../harness/processes.js';
import { runProgram } from '../harness/run-program.js';
import { wardendProgram } from '../harness/paths.js';

const server = useServer();

test('a damaged snapshot costs no container its life, and nobody else gets its address', async () => {
  const { client, handle } = await server.container({ handle: 'harmed' });
  const { container_path: directory, container_ip: address } = await client.info(handle);
  const pids = await server.pidsOf(handle);
  const path = `${directory}/snapshot.json`;
  await server.stop('SIGKILL');
  const snapshot = readFileSync(path, 'utf8');
  writeFileSync(path, 'garbage');
  await server.start({});
  const control = await server.connect();
  assert.deepEqual(await control.list(), []);
  assert.deepEqual(pids.filter(isAlive), pids);
  assert.match((await runProgram('nft', ['list', 'table', 'inet', server.slot.table])).stdout, /w-harmed-0/);
  const other = await server.container();
  assert.notEqual((await other.client.info(other.handle)).container_ip, address);
  await other.client.destroy(other.handle);
  await server.stop();
  assert.match((await runProgram('nft', ['list', 'table', 'inet', server.slot.table])).stdout, /w-harmed-0/, 'its packets stay filtered');
  writeFileSync(path, snapshot);
  await server.start({});
  assert.equal(output(await (await server.connect()).run(handle, 'echo back')), 'back\n');
});

test('a snapshot of a newer server keeps this one from starting, and the container lives', async () => {
  const { client, handle } = await server.container();
  const { container_path: directory } = await client.info(handle);
  const pids = await server.pidsOf(handle);
  const path = `${directory}/snapshot.json`;
  await server.stop();
  const snapshot = readFileSync(path, 'utf8');
  writeFileSync(path, snapshot.replace('"version":1', '"version":7'));
  const { status, stderr } = await runProgram(wardendProgram, ['--config', server.paths.configuration], { timeoutMs: 15_000 });
  assert.equal(status, 1);
  assert.match(stderr.trim().split('\n').at(-1) ?? '', /snapshot of container [0-9a-v]{11} .* version 7, made by a newer wardend/);
  assert.deepEqual(pids.filter(isAlive), pids);
  writeFileSync(path, snapshot);
  await server.start({});
  assert.equal(output(await (await server.connect()).run(handle, 'echo back')), 'back\n');
});
