/* create: handles, root file systems, networks, bind mounts, and what is refused. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused, says, testWith, useAnyServer } from '../../harness/any-server.js';
import { output } from '../../harness/expect.js';

const server = useAnyServer();
const [RO, RW] = [0, 1];
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

test('a generated handle is 11 base-32 digits; handles are unique and increase with time', async () => {
  const client = await server.connect();
  const handles = [await client.create(), await client.create(), await client.create()];
  for (const handle of handles) assert.match(handle, /^[0-9a-v]{11}$/);
  assert.deepEqual(handles, [...new Set(handles)].sort());
});

test('a handle of the client is used as it is, refused while it is in use, and free again after destroy', async () => {
  const handle = server.name('my-app');
  const { client } = await server.container({ handle });
  assert.equal((await client.info(handle)).state, 'active');
  await refused(client.create({ handle }), 'exists', new RegExp(`^container with handle: ${handle} already exists$`));
  assert.ok((await client.list()).includes(handle));
  await client.destroy(handle);
  assert.equal(await client.create({ handle }), handle);
});

testWith(['better'], 'of creates with one handle at once exactly one succeeds', async () => {
  const handle = server.name('race');
  const clients = await Promise.all(Array.from({ length: 5 }, () => server.connect()));
  const results = await Promise.allSettled(clients.map((client) => client.create({ handle })));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results) if (result.status === 'rejected') assert.match(String(result.reason), /already exists/);
});

testWith(['better'], 'a handle is untrusted text: no path, no shell word', async () => {
  const canary = join(server.directory, 'canary');
  for (const text of [server.name('../../x'), server.name('$(id)'), server.name(`;touch ${canary};`), server.name("'\"\\ %s"), server.name('ä€😀')]) {
    const { client, handle } = await server.container({ handle: text });
    assert.equal(handle, text);
    assert.equal(output(await client.run(text, 'echo hello')), 'hello\n');
    await client.destroy(text);
    await refused(client.info(text), 'not_found', /^unknown handle$/);
  }
  assert.throws(() => readFileSync(canary), /ENOENT/);
});

testWith(['rootfs'], 'a rootfs that is no directory is refused with its name', async () => {
  const client = await server.connect();
  const file = join(server.directory, 'file');
  writeFileSync(file, '');
  for (const rootfs of [join(server.directory, 'nothing'), file]) await refused(client.create({ rootfs }), 'not_found', new RegExp(`^rootfs ${escaped(rootfs)} not found`));
});

testWith(['network'], 'a network of the pool is given as asked for; one that is outside or taken is refused with its text', async () => {
  const { client, handle } = await server.container();
  const { host_ip: host, container_ip: container } = await client.info(handle);
  for (const network of [host, container, '192.0.2.1', 'nowhere']) await says(client.create({ network }), new RegExp(`^Could not acquire network: ${escaped(network)}`));
  const second = await server.container();
  assert.notEqual((await client.info(second.handle)).container_ip, container);
});

testWith(['mounts'], 'bind mounts: read-only and writable, a destination that is missing, in their order', async () => {
  const [first, second] = ['first', 'second'].map((name) => {
    const path = join(server.directory, server.name(name));
    mkdirSync(path);
    writeFileSync(join(path, 'name'), `${name}\n`);
    return path;
  });
  assert.ok(first !== undefined && second !== undefined);
  const { client, handle } = await server.container({ bind_mounts: [
    { src_path: first, dst_path: '/tmp/not/there/yet', mode: RO }, { src_path: second, dst_path: '/tmp/writable', mode: RW }, { src_path: second, dst_path: '/tmp/not/there/yet', mode: RO },
  ] });
  assert.equal(output(await client.run(handle, 'cat /tmp/not/there/yet/name /tmp/writable/name')), 'second\nsecond\n', 'the later one lies over the earlier');
  assert.notEqual((await client.run(handle, 'echo x > /tmp/not/there/yet/new', { privileged: true })).status, 0, 'read-only, also to root');
  assert.equal(output(await client.run(handle, 'echo written > /tmp/writable/new', { privileged: true })), '');
  assert.equal(readFileSync(join(second, 'new'), 'utf8'), 'written\n');
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(escaped(second)), 'nothing of it is in the host\'s mount table');
});

testWith(['mounts'], 'a source that does not exist fails the create, which leaves nothing', async () => {
  const client = await server.connect();
  const source = join(server.directory, 'no-such-source');
  const handle = server.name('failed');
  await refused(client.create({ handle, bind_mounts: [{ src_path: source, dst_path: '/tmp/x', mode: RO }] }), 'not_found', new RegExp(`^Source path for bind mount does not exist: ${escaped(source)}`));
  await refused(client.info(handle), 'not_found', /^unknown handle$/);
  assert.equal(await client.create({ handle }), handle);
});
