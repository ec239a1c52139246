/* D6: every way to fill a disk ends at the container's own limit, whoever tries it; nobody else notices. */
import assert from 'node:assert/strict';
import { statfsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { compileProbe } from '../harness/programs.js';
import { mustRun } from '../harness/run-program.js';

const server = useServer({ rootfs: { probes: ['fill-disk'] } });
const MIB = 1024 * 1024;
const LIMIT = 2 * MIB;
/** Books grow more slowly than data. */
const limitOf = (kind: string): number => (ofNames.includes(kind) ? LIMIT / 2 : LIMIT);
const { EDQUOT, ENOSPC } = constants.errno;
const ENDS = [String(EDQUOT), String(ENOSPC), 'bus'];
const ofData = ['data', 'deleted', 'sparse', 'allocated', 'mapped'];
const ofNames = ['empty', 'directories', 'attributes', 'links', 'symlinks'];

/** With a limit of inodes where the backend has one: there a file without data takes no block. */
async function limited(bytes = LIMIT): Promise<{ client: Client; handle: string }> {
  const { client, handle } = await server.container();
  const countsInodes = /project|user/.test((await client.info(handle)).disk_backend ?? '');
  await client.request('limit_disk', { handle, byte_limit: BigInt(bytes), ...(countsInodes ? { inode_limit: 500n } : {}) });
  return { client, handle };
}

/** What the depot's file system has given to containers' files, when everything is written. */
async function takenInBytes(backend: string | undefined): Promise<number> {
  const { depot } = server.paths;
  await mustRun('sync', ['--file-system', join(depot, 'disks')]);
  if (backend === 'btrfs') return statSync(join(depot, 'disks.img')).blocks * 512;
  const { blocks, bfree, bsize } = statfsSync(depot);
  return (blocks - bfree) * bsize;
}

for (const { who, privileged, kinds } of [
  { who: 'vcap', privileged: false, kinds: [...ofData, ...ofNames] },
  { who: 'root of the containers', privileged: true, kinds: ['data', 'deleted', 'mapped', 'attributes'] },
]) {
  test(`${kinds.length} ways to fill a disk at once, by ${who}: each ends at its limit, a neighbour writes on, and all go within 5 s`, async () => {
    const neighbour = await server.container();
    const { disk_backend: backend } = await neighbour.client.info(neighbour.handle);
    const tenants = await Promise.all(kinds.map(async (kind) => ({ kind, ...(await limited(limitOf(kind))) })));
    const before = await takenInBytes(backend);
    const fills = Promise.all(tenants.map(async ({ kind, client, handle }) => ({ kind, text: output(await client.run(handle, `cd /tmp; /probes/fill-disk ${kind}`, { privileged })) })));
    output(await neighbour.client.run(neighbour.handle, `head -c ${8 * MIB} /dev/zero > big && rm big`));
    for (const { kind, text } of await fills) {
      const [count = '', end = ''] = text.trim().split(' ');
      assert.ok(ENDS.includes(end), `${kind}: ${text}`);
      assert.ok(Number(count) > 10, `${kind}: only ${count} times`);
    }
    output(await neighbour.client.run(neighbour.handle, 'echo there > after; cat after'));
    const grown = await takenInBytes(backend) - before;
    // Three mebibytes: the file system's own books, and what the neighbour has just removed.
    assert.ok(grown <= tenants.length * LIMIT * 1.01 + 3 * MIB, `${grown / MIB} MiB for ${tenants.length} times ${LIMIT / MIB}`);
    for (const { client, handle } of tenants) {
      const began = performance.now();
      await client.destroy(handle);
      assert.ok(performance.now() - began < 5000);
    }
  });
}

test('files that are deleted and open count as long as they are open, and then no more', async () => {
  const { client, handle } = await limited();
  const jobId = await client.spawn(handle, '', { args: ['/probes/fill-disk', 'deleted', 'keep'], stdin: true });
  const watcher = await server.connect();
  const stream = watcher.stream(handle, jobId);
  await streamUntil(stream, '\n');
  assert.notEqual((await client.run(handle, `head -c ${MIB} /dev/zero > more`)).status, 0, 'nothing else fits');
  await client.input(handle, jobId, '', true);
  for await (const chunk of stream) void chunk;
  output(await client.run(handle, `head -c ${MIB} /dev/zero > more`));
});

test('a full disk can be read and emptied', async () => {
  const { client, handle } = await limited();
  output(await client.run(handle, '/probes/fill-disk data'));
  output(await client.run(handle, 'head -c 1000000 data | wc -c; rm data; echo again > data'));
});

test('the same program fills what has no limit', async () => {
  const program = await compileProbe('fill-disk', `${server.slot.directory}/probes`);
  const text = await mustRun('prlimit', [`--fsize=${16 * MIB}`, 'env', '--ignore-signal=XFSZ', program, 'data'], { cwd: server.slot.directory });
  assert.equal(text.trim(), `${16 * MIB / 65_536} ${constants.errno.EFBIG}`, 'far beyond 2 MiB, to the limit of a file that was set for it');
});
