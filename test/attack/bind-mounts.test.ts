/*
 * Bind mounts as a way out (security model: A7, A15, B4, U1, U2): places that are swapped while a mount is made, files that the host
 * would honour, programs of the host that are kept from starting, and mounts that spread.
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { RequestError } from '../harness/client.js';
import type { Client, CreateOptions } from '../harness/client.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { runProgram } from '../harness/run-program.js';
import { shortOrLong } from '../harness/soak.js';
import { END, entry } from '../harness/tar-blocks.js';

const RO = 0;
const RW = 1;
const server = useServer({ rootfs: { probes: ['set-id', 'exchange'] } });

let number = 0;
function directory(mode: number): string {
  const path = join(server.slot.directory, `shared-${number++}`);
  mkdirSync(path, { mode });
  return path;
}

const mount = (src_path: string, dst_path: string, mode: number): CreateOptions => ({ bind_mounts: [{ src_path, dst_path, mode }] });

/** A job that exchanges two names in /shared until `stop` is called, in a container that may write there. */
async function swapper(shared: string, one: string, other: string): Promise<{ client: Client; stop: () => Promise<void> }> {
  const { client, handle } = await server.container(mount(shared, '/shared', RW));
  const jobId = await client.spawn(handle, `exec /probes/exchange /shared/${one} /shared/${other} /tmp/stop`, { privileged: true });
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'up');
  watcher.close();
  return {
    client,
    stop: async () => {
      await client.run(handle, 'touch /tmp/stop', { privileged: true });
      assert.match(output(await client.link(handle, jobId)), /exchanged [1-9]\d{2,} times/);
    },
  };
}

/** Creates, some side by side; an error is one that a client is meant to get. */
async function createMany(count: number, request: (round: number) => CreateOptions, look: (client: Client, handle: string) => Promise<void> = async () => {}): Promise<{ made: number; refused: number }> {
  const sum = { made: 0, refused: 0 };
  let round = 0;
  await Promise.all(Array.from({ length: 4 }, async () => {
    const client = await server.connect();
    while (round < count) {
      try {
        const handle = await client.create(request(round++));
        sum.made++;
        await look(client, handle);
        await client.destroy(handle);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        assert.ok(['invalid_argument', 'not_found'].includes(error.code), `${error.code}: ${error.message}`);
        sum.refused++;
      }
    }
  }));
  return sum;
}

/** What the host's table of mounts has of these directories and of the depot. Others may mount what they like meanwhile. */
function mountsOf(...directories: string[]): string[] {
  const names = [...directories, server.paths.depot];
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => names.some((name) => line.includes(name)));
}

test('A7: a destination that is swapped for a link while mounts are made never leads out', async () => {
  const [shared, canary] = [directory(0o777), directory(0o755)];
  mkdirSync(join(shared, 'place/deep'), { recursive: true });
  symlinkSync(`${'../'.repeat(16)}${canary.slice(1)}`, join(shared, 'link'));
  const other = directory(0o755);
  const before = [readdirSync(canary), lstatSync(canary).mtimeMs, mountsOf(shared, canary, other)];
  const { stop } = await swapper(shared, 'place', 'link');
  const { made } = await createMany(shortOrLong(1000, 10_000), (round) => ({
    bind_mounts: [{ src_path: shared, dst_path: '/shared', mode: RW }, { src_path: other, dst_path: `/shared/place/deep/${round % 7}`, mode: RO }],
  }));
  await stop();
  assert.ok(made > 100, `${made} were made`);
  assert.deepEqual([readdirSync(canary), lstatSync(canary).mtimeMs, mountsOf(shared, canary, other)], before);
});

test('a source that a container swaps for a link to elsewhere is not shown', async () => {
  const [shared, secret] = [directory(0o777), directory(0o755)];
  mkdirSync(join(shared, 'place'));
  writeFileSync(join(shared, 'place/name'), 'shared\n');
  writeFileSync(join(secret, 'name'), 'secret\n');
  symlinkSync(secret, join(shared, 'link'));
  const { stop } = await swapper(shared, 'place', 'link');
  const { made, refused } = await createMany(shortOrLong(200, 5000), (round) => mount(join(shared, round % 2 === 0 ? 'place' : 'place/name'), '/seen', RO), async (client, handle) => {
    assert.equal(output(await client.run(handle, 'cat /seen/name 2>/dev/null || cat /seen')), 'shared\n');
  });
  await stop();
  assert.ok(made > 0 && refused > 0, `${made} were made, ${refused} refused`);
});

test('set-user-id bits cannot be made by any call where a directory of the host can be written to', async () => {
  const shared = directory(0o777);
  const { client, handle } = await server.container(mount(shared, '/shared', RW));
  for (const privileged of [true, false]) assert.equal(output(await client.run(handle, '/probes/set-id /shared', { privileged })), 'tried 21\n');
  // The probe finds them where they can be made.
  const { client: other, handle: without } = await server.container();
  const found = output(await other.run(without, '/probes/set-id /tmp')).trim().split('\n');
  assert.ok(found.length >= 19, found.join('\n'));
});

test('nor by work on its files: a file that is written, an archive, a copy, whoever of the container it is for', async () => {
  const shared = directory(0o777);
  chmodSync(shared, 0o777);
  const file = join(shared, 'bound');
  writeFileSync(file, '');
  const program = join(directory(0o755), 'program');
  writeFileSync(program, 'x');
  chmodSync(program, 0o6755);
  const bound = { bind_mounts: [{ src_path: shared, dst_path: '/shared', mode: RW }, { src_path: file, dst_path: '/bound', mode: RW }] };
  const { client, handle } = await server.container(bound);
  await using api = await WardenClient.connect({ path: server.paths.socket });
  const { files } = api;
  const archive = Buffer.concat([entry({ name: 'archive/', type: '5', mode: 0o6755 }), entry({ name: 'archive/file', mode: 0o6755, content: 'x' }), END]);
  for (const user of ['root', 'vcap']) {
    const own = user === 'root' ? '/root' : '/home/vcap';
    for (const [at, expected] of [['/shared', '755'], [own, '6755']] as const) {
      // An empty file: the kernel takes the bits away at the first byte.
      await files.write({ handle, path: `${at}/${user}-written`, user, mode: 0o6755 }, '');
      await files.write({ handle, path: `${at}/${user}-later`, user }, '');
      await files.write({ handle, path: `${at}/${user}-later`, user, mode: 0o6755 }, '');
      await files.makeDirectory({ handle, path: `${at}/${user}`, user });
      await files.tarIn({ handle, path: `${at}/${user}`, user, keepSetid: true }, archive);
      const names = [`${user}-written`, `${user}-later`, `${user}/archive`, `${user}/archive/file`];
      if (user === 'vcap') {
        await client.request('copy_in', { handle, src_path: program, dst_path: `${at}/copied`, keep_set_id: true });
        names.push('copied');
      }
      assert.deepEqual(output(await client.run(handle, `cd ${at} && stat -c %a ${names.join(' ')}`, { privileged: true })).trim().split('\n'), names.map(() => expected), `${user} ${at}`);
    }
  }
  await files.write({ handle, path: '/bound', user: 'root', mode: 0o6755 }, '');
  const set = (await runProgram('find', [shared, '-perm', '/6000'])).stdout;
  assert.equal(set, '');
  assert.equal(lstatSync(file).mode & 0o7777, 0o755);
});

test('a container cannot keep a program of the host from starting by a read-only mount of it, or of its directory', async () => {
  const programs = directory(0o755);
  const program = join(programs, 'program');
  copyFileSync('/usr/bin/true', program);
  const { client, handle } = await server.container({ bind_mounts: [{ src_path: program, dst_path: '/program', mode: RO }, { src_path: programs, dst_path: '/programs', mode: RO }] });
  // What keeps it from happening; the race below is won rarely.
  assert.equal(output(await client.run(handle, 'stat -f -c %T /program /programs')), 'overlayfs\noverlayfs\n');
  const jobId = await client.spawn(handle, 'echo up; exec perl -e \'until (-e "/tmp/stop") { for (1..2000) { open(F, ">>", $_) for "/program", "/programs/program" } }\'', { privileged: true });
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'up');
  watcher.close();
  const { stdout } = await runProgram('bash', ['-c', `for round in $(seq 1500); do "${program}" || { echo failed; break; }; done 2>&1`]);
  await client.run(handle, 'touch /tmp/stop', { privileged: true });
  await client.link(handle, jobId);
  assert.equal(stdout, '');
});

test('B4: a device node made on the host in a shared directory opens nothing, and none can be made from inside', async () => {
  const shared = directory(0o777);
  await runProgram('mknod', ['-m', '666', join(shared, 'disk'), 'b', '7', '0']);
  const { client, handle } = await server.container(mount(shared, '/shared', RW));
  const { stderr } = await client.run(handle, 'head -c 1 /shared/disk; mknod /shared/other b 7 0; mknod /shared/null c 1 3; exec 3</shared/disk', { privileged: true });
  assert.equal(stderr.match(/Permission denied|Operation not permitted/g)?.length, 4, stderr);
  assert.deepEqual(readdirSync(shared), ['disk']);
});

test('U1: names of sources and destinations are names', async () => {
  const shared = directory(0o755);
  const mark = join(server.slot.directory, 'u1-mark');
  for (const text of [`$(touch ${mark})`, `;touch ${mark};`, `\n touch ${mark}\n`, '--rbind', `x -o remount,rw / ; touch ${mark}`]) {
    const source = join(shared, text.replaceAll('/', '\u2044'));
    mkdirSync(source);
    writeFileSync(join(source, 'found'), '');
    const { client, handle } = await server.container(mount(source, `/mnt/${text}`, RO));
    assert.match(output(await client.run(handle, 'find /mnt -name found')), /found\n$/);
    await client.destroy(handle);
  }
  assert.ok(!existsSync(mark));
});
