/* What a server does with a living container whose snapshot it cannot use: it leaves it alone, whatever else is asked of it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { output, refused } from '../harness/expect.js';
import { randomNumbers, runSeed } from '../harness/random.js';
import { useServer } from '../harness/fixture.js';
import { isAlive } from '../harness/processes.js';
import { runProgram } from '../harness/run-program.js';
import { shortOrLong } from '../harness/soak.js';
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
  assert.match(server.daemon.log, /"event":"quarantine".*end its monitor/);
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

test('with any bit flipped or cut anywhere it is left alone until it is whole again, and its neighbour notices nothing', async (context) => {
  const seed = runSeed();
  context.diagnostic(`WARDEN_SEED=${seed}`);
  const random = randomNumbers(seed);
  const { client, handle } = await server.container({ handle: 'flipped' });
  const neighbour = await server.container({ handle: 'neighbour' });
  const jobId = await client.spawn(handle, 'echo kept; exec sleep 1000');
  const path = `${(await client.info(handle)).container_path}/snapshot.json`;
  const pids = await server.pidsOf(handle);
  const whole = readFileSync(path);
  const rounds = shortOrLong(4, 100);
  for (let round = 0; round < rounds; round++) {
    await server.stop('SIGKILL');
    const damaged = Buffer.from(whole);
    const bit = random(whole.length * 8);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const text = round % 2 === 0 ? damaged : whole.subarray(0, random(whole.length));
    writeFileSync(path, text);
    await server.start();
    const control = await server.connect();
    const where = round % 2 === 0 ? `bit ${bit}` : `${text.length} bytes`;
    assert.deepEqual(await control.list(), ['neighbour'], where);
    assert.equal(output(await control.run(neighbour.handle, 'echo well')), 'well\n', where);
    assert.deepEqual(pids.filter(isAlive), pids, where);
    assert.deepEqual(readFileSync(path), text, where);
    // A flipped bit may have hit the handle itself; otherwise its name is known, and what became of it is said.
    if (text.includes('"handle":"flipped"')) {
      await refused(control.info('flipped'), 'unavailable', /^container with handle: flipped is in quarantine: /);
      await refused(control.create({ handle: 'flipped' }), 'exists', /already exists \(it is in quarantine: /);
    }
  }
  await server.stop('SIGKILL');
  writeFileSync(path, whole);
  await server.start();
  const again = await server.connect();
  assert.deepEqual((await again.info(handle)).job_ids, [BigInt(jobId)]);
});

test('a snapshot of a newer server keeps this one from starting, and the container lives', async () => {
  const { client, handle } = await server.container();
  const { container_path: directory } = await client.info(handle);
  const pids = await server.pidsOf(handle);
  const path = `${directory}/snapshot.json`;
  await server.stop();
  const snapshot = readFileSync(path, 'utf8');
  const document = snapshot.split('\n')[0]!.replace('"version":2', '"version":7');
  writeFileSync(path, `${document}\ncrc32 ${crc32(document).toString(16).padStart(8, '0')}\n`);
  const { status, stderr } = await runProgram(wardendProgram, ['--config', server.paths.configuration], { timeoutMs: 15_000 });
  assert.equal(status, 1);
  assert.match(stderr.trim().split('\n').at(-1) ?? '', /snapshot of container [0-9a-v]{11} .* version 7, made by a newer wardend/);
  assert.deepEqual(pids.filter(isAlive), pids);
  writeFileSync(path, snapshot);
  await server.start({});
  assert.equal(output(await (await server.connect()).run(handle, 'echo back')), 'back\n');
});
