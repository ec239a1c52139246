/* The disks that are images of one container each: limited exactly, at any time, and gone with their containers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { loopsBelow, mountsBelow } from '../harness/disks.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { untilClean } from '../harness/wait.js';

const MIB = 1024 * 1024;
const image = { server: { quota: { backend: 'image', image_size: 1024 * MIB } } };
const server = useServer(image);

async function limitDisk(client: Client, handle: string, bytes?: number): Promise<number> {
  return Number((await client.request('limit_disk', { handle, ...(bytes === undefined ? {} : { byte_limit: BigInt(bytes) }) }))['byte_limit']);
}

async function fill(client: Client, handle: string, name: string, privileged = false): Promise<{ bytes: number; reason: string }> {
  const result = await client.run(handle, `head -c ${64 * MIB} /dev/zero > ${name}; stat -c %s ${name}`, { privileged });
  return { bytes: Number(result.stdout), reason: result.stderr };
}

test('a limit is exact, for vcap and for root, can be raised and lowered, and ends in "no space left"', async () => {
  const { client, handle } = await server.container();
  assert.equal((await client.info(handle)).disk_backend, 'image');
  assert.equal(await limitDisk(client, handle), 0);
  assert.equal(await limitDisk(client, handle, 8 * MIB), 8 * MIB);
  assert.equal(await limitDisk(client, handle, 8 * MIB + 1), 8 * MIB + 4096, 'whole blocks of the file system');
  await limitDisk(client, handle, 8 * MIB);
  const first = await fill(client, handle, 'first');
  assert.match(first.reason, /No space left on device/);
  assert.ok(first.bytes > 7.8 * MIB && first.bytes <= 8 * MIB, `${first.bytes}`);
  assert.ok((await fill(client, handle, '/root/file', true)).bytes < 64 * 1024);
  await limitDisk(client, handle, 16 * MIB);
  const second = await fill(client, handle, '/root/second', true);
  assert.ok(first.bytes + second.bytes > 15.5 * MIB && first.bytes + second.bytes <= 16 * MIB);
  assert.equal(await limitDisk(client, handle, 4 * MIB), 4 * MIB, 'less than is used');
  output(await client.run(handle, 'rm first'));
  assert.ok(!((await fill(client, handle, 'third')).bytes > 0), 'still less than is used');
  await limitDisk(client, handle, 0);
  assert.deepEqual(await fill(client, handle, 'fourth'), { bytes: 64 * MIB, reason: '' });
  await refused(limitDisk(client, handle, 1024 * MIB), 'invalid_argument', /the image has \d+ bytes .*image_size/);
  await refused(client.request('limit_disk', { handle, inode_limit: 9n }), 'unsupported', /image cannot limit inodes.*project and user/);
});

test('the reply of a job tells what the files take after it, in bytes and inodes, as info does; after a restart, too', async () => {
  const { client, handle } = await server.container();
  const first = (await client.run(handle, 'true')).info.disk_stat;
  await server.restart(image);
  const again = await server.connect();
  const { info } = await again.run(handle, `head -c ${8 * MIB} /dev/zero > file; sync file; touch other`);
  const grown = (name: string): number => Number(info.disk_stat?.[name]) - Number(first?.[name]);
  assert.equal(grown('inodes_used'), 2);
  assert.ok(grown('bytes_used') >= 8 * MIB && grown('bytes_used') < 8.2 * MIB, `${grown('bytes_used')}`);
  assert.deepEqual((await again.info(handle)).disk_stat, info.disk_stat);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`limits and files are there after the daemon's end by ${signal}`, async () => {
    const { client, handle } = await server.container();
    await limitDisk(client, handle, 8 * MIB);
    output(await client.run(handle, 'echo kept > file'));
    await server.restart(image, signal);
    const later = await server.connect();
    assert.equal(await limitDisk(later, handle), 8 * MIB);
    assert.equal(output(await later.run(handle, 'cat file')), 'kept\n');
    assert.ok((await fill(later, handle, 'big')).bytes <= 8 * MIB);
  });
}

test('each container has an image, on a device of its own, which goes with it; a daemon without containers leaves none', async () => {
  const tenants = await Promise.all([server.container(), server.container(), server.container()]);
  const [first] = tenants;
  assert.ok(first);
  const mounts = mountsBelow(server.paths.depot);
  assert.ok(mounts.length >= tenants.length, `${mounts.length} mounts`);
  for (const { type, options } of mounts) {
    assert.equal(type, 'ext4');
    for (const option of ['nosuid', 'nodev', 'noatime', 'discard']) assert.ok(options.split(',').includes(option), options);
  }
  for (const { client, handle } of tenants) await client.destroy(handle);
  const trigger = () => ({ event: first.client.ping().catch(() => undefined), disarm: () => undefined });
  // One is there in advance for the next container.
  assert.deepEqual(await untilClean(() => loopsBelow(server.slot.directory).slice(1), trigger, 5000), []);
  await server.stop();
  assert.deepEqual(mountsBelow(server.paths.depot), []);
  await server.start(image);
});
