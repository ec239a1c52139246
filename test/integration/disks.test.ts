/* The disks that btrfs backs: chosen at the start, kept through every end of the daemon, gone with the containers. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { diskLeaks, diskOf, loopsBelow, mountsBelow } from '../harness/disks.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { isAlive } from '../harness/processes.js';
import { mustRun } from '../harness/run-program.js';
import { untilClean } from '../harness/wait.js';
import { Wardend } from '../harness/wardend.js';

const MIB = 1024 * 1024;
const btrfs = { server: { quota: { backend: 'btrfs' } } };
const server = useServer(btrfs);
const disks = (): string => join(server.paths.depot, 'disks');
const image = (): string => join(server.paths.depot, 'disks.img');

async function limitDisk(client: Client, handle: string, bytes?: number): Promise<number> {
  return Number((await client.request('limit_disk', { handle, ...(bytes === undefined ? {} : { byte_limit: BigInt(bytes) }) }))['byte_limit']);
}

/** What the image takes of the depot's file system, when everything is written, and everything that was removed is gone. */
async function imageInBytes(): Promise<number> {
  await mustRun('btrfs', ['filesystem', 'sync', disks()]);
  await mustRun('btrfs', ['subvolume', 'sync', disks()]);
  await mustRun('btrfs', ['filesystem', 'sync', disks()]);
  return statSync(image()).blocks * 512;
}

async function fill(client: Client, handle: string, name = 'big'): Promise<number> {
  return Number((await client.run(handle, `head -c ${64 * MIB} /dev/zero > ${name} 2>/dev/null; stat -c %s ${name}`)).stdout);
}

test('one image, on one device, is mounted once, so that nobody follows what is on it; info and the log name the backend', async () => {
  const { client, handle } = await server.container();
  const [mount, ...others] = mountsBelow(server.paths.depot);
  assert.deepEqual(others, []);
  assert.equal(mount?.path, disks());
  assert.equal(mount.type, 'btrfs');
  for (const option of ['noatime', 'nosuid', 'nodev', 'nodatasum', 'nobarrier']) assert.ok(mount.options.split(',').includes(option), mount.options);
  assert.equal(loopsBelow(server.slot.directory).length, 1);
  assert.equal((await client.info(handle)).disk_backend, 'btrfs');
  assert.match(server.daemon.log, /"backend":"btrfs".*disk limits: btrfs/);
  assert.deepEqual(readdirSync((await client.info(handle)).container_path).filter((name) => /^(upper|work)$/.test(name)), []);
});

test('the reply of a job tells what the files take after it, as info does; after a restart, too', async () => {
  const { client, handle } = await server.container();
  const used = ({ disk_stat: stat }: { readonly disk_stat?: Readonly<Record<string, bigint>> }): number => Number(stat?.['bytes_used']);
  const before = used((await client.run(handle, 'true')).info);
  const written = used((await client.run(handle, `head -c ${8 * MIB} /dev/zero > file`)).info);
  assert.ok(written >= before + 8 * MIB && written < before + 9 * MIB, `${before}, then ${written}`);
  assert.ok(Math.abs(used(await client.info(handle)) - written) < MIB);
  await server.restart(btrfs);
  const again = await server.connect();
  for (let turn = 0; turn < 2; turn++) {
    const grown = used((await again.run(handle, `head -c ${4 * MIB} /dev/zero >> file`)).info);
    assert.ok(grown >= written + (turn + 1) * 4 * MIB && grown < written + (turn + 1) * 4 * MIB + MIB, `${written}, then ${grown}`);
  }
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`limits, files and disks are there after the daemon's end by ${signal}`, async () => {
    const { client, handle } = await server.container();
    await limitDisk(client, handle, 8 * MIB);
    const before = await fill(client, handle);
    await server.restart(btrfs, signal);
    const later = await server.connect();
    assert.equal(await limitDisk(later, handle), 8 * MIB);
    assert.equal(output(await later.run(handle, 'stat -c %s big')), `${before}\n`);
    assert.ok((await fill(later, handle, 'more')) < MIB, 'the limit is in force');
    assert.equal((await later.info(handle)).disk_backend, 'btrfs');
    await later.destroy(handle);
    assert.equal((await server.connect().then((other) => other.create())).length, 11);
  });
}

test('an image that somebody unmounted is found by its device, and nothing on it is lost', async () => {
  const { client, handle } = await server.container();
  await limitDisk(client, handle, 8 * MIB);
  output(await client.run(handle, 'echo kept > file'));
  await server.stop('SIGKILL');
  await mustRun('umount', [disks()]);
  await server.start(btrfs);
  const later = await server.connect();
  assert.equal(loopsBelow(server.slot.directory).length, 1);
  assert.equal(await limitDisk(later, handle), 8 * MIB);
  assert.equal(output(await later.run(handle, 'cat file')), 'kept\n');
});

test('a launcher that was killed makes limits no less; the next request has a new one', async () => {
  const { client, handle } = await server.container();
  const launcher = server.daemon.launcherPid;
  await limitDisk(client, handle, 8 * MIB);
  process.kill(launcher, 'SIGKILL');
  while (isAlive(launcher)) await client.ping();
  await client.ping();
  // The one request that is on its way while it dies may fail.
  const inForce = await limitDisk(client, handle).catch(() => limitDisk(client, handle));
  assert.equal(inForce, 8 * MIB);
  assert.ok((await fill(client, handle)) <= 8 * MIB);
  await server.restart(btrfs);
});

test('a full container takes of the depot what its limit allows, and 1 %', async () => {
  const { client, handle } = await server.container();
  const limit = 256 * MIB;
  await limitDisk(client, handle, limit);
  const before = await imageInBytes();
  const result = await client.run(handle, `head -c ${2 * limit} /dev/zero > big`);
  assert.match(result.stderr, /Disk quota exceeded/);
  const grown = await imageInBytes() - before;
  assert.ok(grown > 0.98 * limit, `only ${grown} bytes`);
  assert.ok(grown <= 1.01 * limit, `${grown} bytes`);
  await client.destroy(handle);
  const connection = await server.connect();
  assert.deepEqual(await untilClean(() => diskLeaks(server.paths), () => ({ event: connection.ping().catch(() => undefined), disarm: () => undefined }), 5000), []);
  assert.ok(await imageInBytes() - before < limit / 10, 'its space goes back');
});

test('job output, snapshot and sockets do not count, and are written when nothing more fits', async () => {
  const { client, handle } = await server.container();
  await limitDisk(client, handle, 4 * MIB);
  await fill(client, handle);
  const { stdout, status } = await client.run(handle, `head -c ${6 * MIB} /dev/zero`);
  assert.deepEqual([stdout.length, status], [6 * MIB, 0]);
  await server.restart(btrfs);
});

test('disks that no container has are removed at the start, and no others', async () => {
  const { client, handle } = await server.container();
  const own = diskOf((await client.info(handle)).container_path) ?? '';
  await server.stop('SIGKILL');
  await mustRun('btrfs', ['subvolume', 'create', join(disks(), '1-2-3')]);
  mkdirSync(join(disks(), '1-2-4/deep'), { recursive: true });
  mkdirSync(join(server.paths.depot, 'spare/left'));
  symlinkSync('../../disks/1-2-3', join(server.paths.depot, 'spare/left/disk'));
  await server.start(btrfs);
  const later = await server.connect();
  assert.deepEqual(await untilClean(() => diskLeaks(server.paths), () => ({ event: later.ping().catch(() => undefined), disarm: () => undefined }), 5000), []);
  assert.ok(existsSync(join(disks(), own, 'upper')));
  assert.equal(output(await later.run(handle, 'echo lives > f; cat f')), 'lives\n');
});

test('containers keep what they were made with when the configuration changes, and go as well', async () => {
  const limited = await server.container();
  await limitDisk(limited.client, limited.handle, 8 * MIB);
  await server.restart({ server: { quota: { disk_quota_enabled: false } } });
  const { client, handle } = await server.container();
  assert.equal((await client.info(handle)).disk_backend, 'none');
  await refused(limitDisk(client, handle), 'unsupported', /no disk limits: .*server\.quota/);
  assert.equal(await limitDisk(client, limited.handle), 8 * MIB);
  assert.ok((await fill(client, limited.handle)) <= 8 * MIB);
  await server.restart(btrfs);
  const later = await server.connect();
  await refused(limitDisk(later, handle), 'unsupported', /made when the server had none/);
  await later.destroy(handle);
  await later.destroy(limited.handle);
});

test('a daemon without containers leaves nothing mounted; what an image holds that no device has is of no use to anybody', async () => {
  await server.stop();
  assert.deepEqual([mountsBelow(server.paths.depot), loopsBelow(server.slot.directory), existsSync(image())], [[], [], false]);
  writeFileSync(image(), 'no file system');
  await server.start(btrfs);
  assert.equal(mountsBelow(server.paths.depot).length, 1);
});

test('a backend that does not work on this depot is refused at the start, with the reason; auto takes what does, or tells why nothing does', async () => {
  await server.stop();
  const depot = `${server.slot.directory}/small`;
  mkdirSync(depot);
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'warden-test', depot]);
  try {
    const refusedStart = Wardend.spawn(server.slot, { server: { container_depot_path: depot, ...btrfs.server } });
    assert.equal(await refusedStart.exited(), 1);
    assert.match(refusedStart.log, /server\.quota\.backend: btrfs: .*MiB are too little for an image/);
    const started = await Wardend.start(server.slot, { server: { container_depot_path: depot } });
    await started.stop();
    assert.match(started.log, /"backend":"none".*btrfs: .*too little.*disk limits: none, because no backend works/);
  } finally {
    await mustRun('umount', [depot]);
  }
  await server.start(btrfs);
});
