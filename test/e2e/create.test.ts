/* create: its options, and what it refuses. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { buildRootfs } from '../harness/rootfs.js';

const other = (): string => `${server.slot.directory}/other-rootfs`;
const server = useServer({}, async () => {
  await buildRootfs(other(), { change: (directory) => writeFileSync(`${directory}/etc/which`, 'the other one\n') });
});

test('rootfs of the request is the root file system', async () => {
  const { client, handle } = await server.container({ rootfs: other() });
  assert.equal(output(await client.run(handle, 'cat /etc/which')), 'the other one\n');
  const plain = await server.container();
  assert.equal((await plain.client.run(plain.handle, 'cat /etc/which')).status, 1);
});

test('a rootfs that is no directory is refused with its name', async () => {
  const client = await server.connect();
  mkdirSync(`${server.slot.directory}/with space`, { recursive: true });
  const file = `${server.slot.directory}/file`;
  writeFileSync(file, '');
  for (const rootfs of ['/nonexistent', file, 'relative', '/dev/null', `${server.slot.directory}/$(id)`]) {
    const escaped = rootfs.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    await refused(client.create({ rootfs }), 'not_found', new RegExp(`^rootfs ${escaped} not found`));
  }
  assert.deepEqual(await client.list(), []);
});

test('network picks a /30 of the pool by any of its addresses', async () => {
  const base = server.slot.network.split('.').slice(0, 2).join('.');
  const { client, handle } = await server.container({ network: `${base}.5.10` });
  const info = await client.info(handle);
  assert.deepEqual([info.host_ip, info.container_ip], [`${base}.5.9`, `${base}.5.10`]);
});

test('a network outside of the pool, taken, or no address is refused with its text', async () => {
  const base = server.slot.network.split('.').slice(0, 2).join('.');
  const { client } = await server.container({ network: `${base}.6.0` });
  for (const network of ['192.0.2.1', `${base}.6.0`, `${base}.6.1`, `${base}.6.2`, `${base}.6.3`, 'here', '', '10.0.0.0/8', '1.2.3.4.5', '$(id)']) {
    const escaped = network.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const failure = client.create({ network });
    await assert.rejects(failure, new RegExp(`Could not acquire network: ${escaped}`));
  }
  await client.create({ network: `${base}.6.4` });
});

test('networks are not shared: every container has its own', async () => {
  const client = await server.connect();
  const handles = await Promise.all(Array.from({ length: 6 }, () => client.create()));
  const infos = await Promise.all(handles.map((handle) => client.info(handle)));
  assert.equal(new Set(infos.map((info) => info.container_ip)).size, 6);
  assert.equal(new Set(infos.map((info) => info.host_ip)).size, 6);
});

test('a /30 is given again after its container is destroyed', async () => {
  const base = server.slot.network.split('.').slice(0, 2).join('.');
  const client = await server.connect();
  for (let round = 0; round < 3; round++) {
    const handle = await client.create({ network: `${base}.7.0` });
    await client.destroy(handle);
  }
});
