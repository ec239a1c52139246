/* rlimits that wardend itself has not: its jobs cannot have them either, and everybody is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();
const coreLimit = 'while read -r line; do [[ $line == "Max core"* ]] && echo $line; done < /proc/self/limits; true';

test('a configured limit above wardend\'s own is told at the start, clamped, and an event of the container', async () => {
  await server.restart({ prefix: ['prlimit', '--nofile=4096:4096'], server: { container_rlimits: { nofile: 8192, nproc: 700 } } });
  const warnings = server.daemon.log.split('\n').filter((line) => line.includes('is above what wardend itself may have'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /server\.container_rlimits\.nofile .*/);
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'ulimit -Hn; ulimit -Sn; ulimit -u')), '4096\n4096\n700\n');
  await client.run(handle, 'true');
  assert.deepEqual((await client.info(handle)).events, ['rlimit nofile clamped to 4096']);
});

test('a wardend whose own limit of core files is 0 has containers and jobs all the same, without an event for each', async () => {
  await server.restart({ prefix: ['prlimit', '--core=0:0'] });
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, coreLimit)), 'Max core file size 0 0 bytes\n');
  assert.deepEqual((await client.info(handle)).events, []);
  assert.equal(output(await client.run(handle, coreLimit, { rlimits: { core: 5000n } })), 'Max core file size 0 0 bytes\n');
  assert.equal((await client.info(handle)).events.length, 1);
});
