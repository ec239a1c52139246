/*
 * Disk limits by quotas of the depot's own file system. Where it has none, which repquota tells, a server that is to use them says so and does not start; in the
 * test machine (scripts/vm), whose depots are made for it, they have to be there.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { projectOf, readQuota, withoutQuotas, type QuotaKind } from '../harness/quotas.js';
import { runProgram } from '../harness/run-program.js';

const MIB = 1024 * 1024;
const server = useServer();
const upperOf = async (client: Client, handle: string): Promise<string> => join((await client.info(handle)).container_path, 'upper');
/** In the test machine: what the depot was made for. */
const expected = new Map<string | undefined, QuotaKind>([['ext4', 'project'], ['xfs', 'project'], ['ext4-user', 'user']]).get(process.env['WARDEN_VM_DEPOT']);

async function limitDisk(client: Client, handle: string, fields: { byte_limit?: bigint; inode_limit?: bigint } = {}): Promise<{ bytes: number; inodes: number }> {
  const answer = await client.request('limit_disk', { handle, ...fields });
  return { bytes: Number(answer['byte_limit']), inodes: Number(answer['inode_limit']) };
}

/** How many bytes of a file fit. */
async function fill(client: Client, handle: string, path: string, privileged = false): Promise<number> {
  return Number((await client.run(handle, `head -c ${64 * MIB} /dev/zero > ${path} 2>/dev/null; stat -c %s ${path}`, { privileged })).stdout);
}

const seenRefused = new Set<QuotaKind>();
let running: QuotaKind | undefined;

/** Starts a server with that backend, for tests of what works, or sees that it is refused. */
async function begin(kind: QuotaKind, user: { pool_size?: number } = {}): Promise<boolean> {
  if (seenRefused.has(kind)) return false;
  if (running === kind && user.pool_size === undefined) return true;
  try {
    await server.restart({ server: { quota: { backend: kind } }, user });
    running = kind;
    return true;
  } catch (error) {
    assert.notEqual(expected, kind, String(error));
    const reason = '(?:not switched on: .*mounted with|this kernel, or this kind of file system, has none|are only counted, not enforced: mount)';
    assert.match(String(error), new RegExp(`server\\.quota\\.backend: ${kind}: .*${kind} quotas.*${reason}`));
    seenRefused.add(kind);
    running = undefined;
    await server.start({});
    return false;
  }
}

test('auto takes projects where there are some, and users only where nothing else works', async () => {
  const { client, handle } = await server.container();
  const backend = String((await client.info(handle)).disk_backend);
  const why = await withoutQuotas(server.slot.directory, 'project');
  if (why !== undefined) assert.notEqual(backend, 'project', why);
  if (expected === 'project') assert.equal(backend, 'project');
  assert.ok(!server.daemon.log.includes('disk limits: user') || /"refused":\[.*"image: /.test(server.daemon.log));
  if (expected !== undefined) assert.equal(await withoutQuotas(server.slot.directory, expected), undefined);
});

test('project: every container has one of its own, with all its files, and the kernel limits it', async () => {
  if (!(await begin('project'))) return;
  const [first, second] = [await server.container(), await server.container()];
  const upper = await upperOf(first.client, first.handle);
  const project = await projectOf(upper);
  assert.ok(project >= 2 ** 30 && project < 2 ** 31, String(project));
  assert.equal(await projectOf(join(upper, '../work')), project);
  assert.equal(await projectOf(join(upper, '../jobs')), 0, 'job output does not count');
  assert.notEqual(await projectOf(await upperOf(second.client, second.handle)), project);

  const { client, handle } = first;
  assert.deepEqual(await limitDisk(client, handle, { byte_limit: BigInt(8 * MIB), inode_limit: 500n }), { bytes: 8 * MIB, inodes: 500 });
  output(await client.run(handle, 'head -c 2M /dev/zero > vcaps; mkdir d; ln -s x d/l'));
  const { info } = await client.run(handle, 'head -c 1M /dev/zero > /root/roots; chown 1234 /root/roots; touch /etc/passwd; sync /root/roots ~vcap/vcaps', { privileged: true });
  assert.deepEqual(info.disk_stat, (await client.info(handle)).disk_stat, 'the reply of a job has the same');
  assert.ok(Number(info.disk_stat?.['bytes_used']) >= 3 * MIB, 'what was written');
  const { blocks, softBlocks, hardBlocks, inodes, hardInodes } = await readQuota(upper, 'project', project);
  assert.deepEqual([softBlocks, hardBlocks, hardInodes], [0, 8 * 1024, 500]);
  assert.ok(blocks >= 3 * 1024 && blocks < 3 * 1024 + 512, `${blocks} blocks, whoever owns them`);
  assert.ok(inodes > 5 && inodes < 100, `${inodes} inodes`);
  assert.equal(await projectOf(join(upper, 'home/vcap/d')), project);
  const kept = await fill(client, handle, 'big');
  assert.ok(kept >= 4 * MIB && kept <= 5 * MIB, `${kept} bytes`);
  assert.equal(await fill(second.client, second.handle, 'big'), 64 * MIB, 'the neighbour has no limit');
});

test('project: root of a container is held to the limit, and cannot leave the project; root of the host could', async () => {
  if (!(await begin('project'))) return;
  const { client, handle } = await server.container();
  await limitDisk(client, handle, { byte_limit: BigInt(8 * MIB) });
  const capabilities = BigInt(`0x${output(await client.run(handle, 'grep CapEff /proc/self/status', { privileged: true })).split(/\s+/)[1] ?? '0'}`);
  assert.equal((capabilities >> 24n) & 1n, 0n, 'a privileged job has no CAP_SYS_RESOURCE, not even in its own user namespace');
  assert.ok((await fill(client, handle, '/root/big', true)) <= 8 * MIB);
  assert.ok((await fill(client, handle, 'more')) < MIB);
  const leave = 'rm -f big more /root/big; touch f; mkdir d; for change in "-p 0 f" "-p 0 d" "-p 1 f" "-P d"; do chattr $change && echo "left by $change"; done; echo tried';
  for (const privileged of [false, true]) {
    const { stdout, stderr } = await client.run(handle, leave, { privileged });
    assert.equal(stdout, 'tried\n', stderr);
  }
  // The same where it is allowed: so the attempts above were serious.
  const upper = await upperOf(client, handle);
  mkdirSync(join(upper, 'srv-of-host'));
  assert.equal((await runProgram('chattr', ['-p', '1', join(upper, 'srv-of-host')])).status, 0);
  assert.equal(await projectOf(join(upper, 'srv-of-host')), 1);
  rmSync(join(upper, 'srv-of-host'), { recursive: true });
});

test('project: a limit of inodes holds for files without content, too', async () => {
  if (!(await begin('project'))) return;
  const { client, handle } = await server.container();
  const before = (await readQuota(await upperOf(client, handle), 'project', await projectOf(await upperOf(client, handle)))).inodes;
  await limitDisk(client, handle, { inode_limit: BigInt(before + 20) });
  const { stdout, stderr } = await client.run(handle, 'for i in $(seq 100); do : > f$i || break; done; ls | wc -l');
  assert.match(stderr, /Disk quota exceeded|No space left on device/);
  assert.equal(Number(stdout), 20);
  output(await client.run(handle, 'rm f1; : > g1'));
});

test('project: limits outlive the daemon and go with the container', async () => {
  if (!(await begin('project'))) return;
  const { client, handle } = await server.container();
  const upper = await upperOf(client, handle);
  const project = await projectOf(upper);
  await limitDisk(client, handle, { byte_limit: BigInt(4 * MIB), inode_limit: 300n });
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await server.restart({ server: { quota: { backend: 'project' } } }, signal);
    const later = await server.connect();
    assert.deepEqual(await limitDisk(later, handle), { bytes: 4 * MIB, inodes: 300 });
    assert.ok((await fill(later, handle, 'big')) <= 4 * MIB);
  }
  const later = await server.connect();
  assert.equal((await later.info(handle)).disk_backend, 'project');
  await later.destroy(handle);
  const { hardBlocks, hardInodes } = await readQuota(server.slot.directory, 'project', project);
  assert.deepEqual([existsSync(upper), hardBlocks, hardInodes], [false, 0, 0]);
});

test('project: a number that somebody has already is passed over', async () => {
  if (!(await begin('project'))) return;
  const probe = await server.container();
  const used = await projectOf(await upperOf(probe.client, probe.handle));
  await probe.client.destroy(probe.handle);
  // The next inodes are near the last one: whatever project the next container would get, its neighbours included, is taken.
  const taken = join(server.slot.directory, 'taken');
  mkdirSync(taken);
  try {
    const projects = Array.from({ length: 48 }, (_, index) => used - 16 + index);
    for (const project of projects) {
      const file = join(taken, String(project));
      writeFileSync(file, '');
      assert.equal((await runProgram('chattr', ['-p', String(project), file])).status, 0);
    }
    const { client, handle } = await server.container();
    const own = await projectOf(await upperOf(client, handle));
    assert.ok(own >= 2 ** 30 && !projects.includes(own), String(own));
  } finally {
    rmSync(taken, { recursive: true });
  }
});

test('user: vcap and the container\'s root have the limit each, and what they take is told together', async () => {
  if (!(await begin('user'))) return;
  const { client, handle } = await server.container();
  assert.equal((await client.info(handle)).disk_backend, 'user');
  assert.deepEqual(await limitDisk(client, handle, { byte_limit: BigInt(8 * MIB), inode_limit: 200n }), { bytes: 8 * MIB, inodes: 200 });
  const uid = Number(output(await client.run(handle, 'id -u')));
  const ours = await fill(client, handle, 'big');
  assert.ok(ours > 7 * MIB && ours <= 8 * MIB, `${ours} bytes of vcap`);
  const roots = await fill(client, handle, '/root/big', true);
  assert.ok(roots > 6 * MIB && roots <= 8 * MIB, `${roots} bytes of root`);
  const { hardBlocks, blocks } = await readQuota(server.slot.directory, 'user', uid);
  assert.ok(hardBlocks === 8 * 1024 && blocks >= ours / 1024, `${blocks} of ${hardBlocks}`);
});

test('user: the next container with that uid begins without a limit', async () => {
  if (!(await begin('user', { pool_size: 1 }))) return;
  const first = await server.container();
  const uid = Number(output(await first.client.run(first.handle, 'id -u')));
  await limitDisk(first.client, first.handle, { byte_limit: BigInt(4 * MIB) });
  await first.client.destroy(first.handle);
  assert.equal((await readQuota(server.slot.directory, 'user', uid)).hardBlocks, 0);
  // As when the daemon was killed before it could take it away.
  assert.equal((await runProgram('python3', ['-c', `
import ctypes, os, struct
fd = os.open("${server.slot.directory}", os.O_RDONLY)
block = ctypes.create_string_buffer(struct.pack("<8QI", 4096, 0, 0, 0, 0, 0, 0, 0, 1), 72)
assert ctypes.CDLL(None, use_errno=True).syscall(443, fd, 0x800008 << 8, ${uid}, block) == 0, ctypes.get_errno()`])).status, 0);
  assert.equal((await readQuota(server.slot.directory, 'user', uid)).hardBlocks, 4096);
  const { client, handle } = await server.container();
  assert.equal(Number(output(await client.run(handle, 'id -u'))), uid);
  assert.deepEqual(await limitDisk(client, handle), { bytes: 0, inodes: 0 });
  assert.equal(await fill(client, handle, 'big'), 64 * MIB);
});
