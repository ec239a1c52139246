/*
 * A8: a container exchanges a directory and a symbolic link, as fast as it can, during copies both ways: by paths of its own, and in a directory of the host's that
 * it may write to, also as the host's root. Nothing of the host but the given path is changed, and nothing of it is copied in.
 */
import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RequestError } from '../harness/client.js';
import type { Client, CreateOptions } from '../harness/client.js';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { mustRun } from '../harness/run-program.js';
import { shortOrLong } from '../harness/soak.js';

const server = useServer({ rootfs: { probes: ['exchange'] } });
const ROUNDS = shortOrLong(1000, 20_000);
const SHARED_ROUNDS = shortOrLong(250, 20_000);
const RW = 1;
const KEPT = 'of the host\n';
const MARKER = 'marker\n';
const OWN = 'of the container\n';

let number = 0;
function directory(mode = 0o755): string {
  const path = join(server.slot.directory, `place-${number++}`);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

function fill(path: string, text: string): void {
  mkdirSync(join(path, 'sub'), { recursive: true });
  for (const name of ['canary', 'sub/canary']) writeFileSync(join(path, name), text);
}

/** What must stay as it is, and a check that it has. */
function outside(): { path: string; check: () => void } {
  const path = directory();
  fill(path, KEPT);
  const look = (): unknown => ['', 'sub', 'canary', 'sub/canary'].map((name) => lstatSync(join(path, name))).map(({ mode, uid, gid, ctimeMs }) => [mode, uid, gid, ctimeMs]);
  const before = look();
  return {
    path,
    check: () => {
      assert.deepEqual(readdirSync(path, { recursive: true }).toSorted(), ['canary', 'sub', 'sub/canary']);
      for (const name of ['canary', 'sub/canary']) assert.equal(readFileSync(join(path, name), 'utf8'), KEPT);
      assert.deepEqual(look(), before);
    },
  };
}

/** Every file below holds one of these texts. */
function checkTexts(path: string, texts: readonly string[]): void {
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) assert.ok(texts.includes(readFileSync(join(entry.parentPath, entry.name), 'utf8')), `${entry.parentPath}/${entry.name}`);
  }
}

/** A container whose job exchanges the two paths until `stop`, which says how often. */
async function swapper(script: string, one: string, other: string, options: CreateOptions = {}, privileged = false): Promise<{ client: Client; handle: string; stop: () => Promise<number> }> {
  const { client, handle } = await server.container(options);
  output(await client.run(handle, script, { privileged }));
  const jobId = await client.spawn(handle, `exec /probes/exchange ${one} ${other} /tmp/stop`, { privileged });
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'up');
  watcher.close();
  return {
    client, handle,
    stop: async () => {
      await client.run(handle, 'touch /tmp/stop');
      return Number(/exchanged (\d+) times/.exec(output(await client.link(handle, jobId)))?.[1]);
    },
  };
}

/** How many of the copies were done; those that were not have an error that a client is meant to get. */
async function copyMany(client: Client, rounds: number, type: 'copy_in' | 'copy_out', request: (round: number) => { handle: string; src_path: string; dst_path: string }): Promise<number> {
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    try {
      await client.request(type, request(round));
      done++;
    } catch (error) {
      assert.ok(error instanceof RequestError && !['internal', 'protocol', 'unavailable', 'canceled'].includes(error.code), String(error));
    }
  }
  return done;
}

test('paths of the container that are exchanged meanwhile lead to nothing of the host', async () => {
  const { path, check } = outside();
  const source = directory();
  fill(source, MARKER);
  const { client, handle, stop } = await swapper(`mkdir -p ~/race/real/sub; cd ~/race; ln -s ${path} link; for f in canary sub/canary; do printf '${OWN.trim()}\\n' > real/$f; done`, '/home/vcap/race/real', '/home/vcap/race/link');
  const kinds = ['race/real/', 'race/link/', 'race/real/sub/', 'race/', 'race/link/canary'];
  const target = directory();
  const out = await copyMany(client, ROUNDS, 'copy_out', (round) => ({ handle, src_path: kinds[round % kinds.length] ?? '', dst_path: join(target, String(round % 20)) }));
  checkTexts(target, [OWN]);
  const done = await copyMany(client, ROUNDS, 'copy_in', (round) => ({ handle, src_path: round % 5 === 4 ? join(source, 'canary') : `${source}/`, dst_path: kinds[round % kinds.length] ?? '' }));
  const times = await stop();
  assert.ok(times >= 1000 && out > 0 && done > 0, `${times} exchanges, ${out} copied out, ${done} in`);
  check();
  checkTexts(source, [MARKER]);
});

for (const [whose, mode, privileged] of [['vcap', 0o777, false], ['root', 0o755, true]] as const) {
  test(`paths of the host in a directory that ${whose} of a container can write to lead to nothing else`, async () => {
    const { path, check } = outside();
    const shared = directory(mode);
    const mount = { bind_mounts: [{ src_path: shared, dst_path: '/shared', mode: RW }] };
    const { client, handle, stop } = await swapper(`cd /shared; mkdir -p real/sub; ln -s ${path} link; for f in canary sub/canary; do printf '${OWN.trim()}\\n' > real/$f; done; mkdir ~vcap/from; printf '${OWN.trim()}\\n' > ~vcap/from/canary; chmod -R a+rX ~vcap`, '/shared/real', '/shared/link', mount, privileged);
    const { handle: other } = await server.container();
    const kinds = ['real/', 'link/', 'real/sub/', '', 'link/canary'];
    const done = await copyMany(client, SHARED_ROUNDS, 'copy_in', (round) => ({ handle: other, src_path: join(shared, kinds[round % kinds.length] ?? ''), dst_path: `in-${round % 20}` }));
    assert.equal(output(await client.run(other, `grep -r '${KEPT.trim()}' ~; true`)), '');
    const out = await copyMany(client, SHARED_ROUNDS, 'copy_out', (round) => ({ handle, src_path: round % 5 === 4 ? 'from/canary' : 'from/', dst_path: join(shared, kinds[round % kinds.length] ?? '') }));
    const times = await stop();
    assert.ok(times >= 1000 && out > 0 && done > 0, `${times} exchanges, ${out} copied out, ${done} in`);
    check();
    // And a link that just lies there.
    output(await client.run(handle, `cd /shared; ln -s ${path} lies`, { privileged }));
    await refused(client.request('copy_in', { handle: other, src_path: join(shared, 'lies/'), dst_path: 'in' }), 'invalid_argument', /link/);
    await refused(client.request('copy_out', { handle, src_path: 'from/', dst_path: join(shared, 'lies/') }), 'invalid_argument', /link/);
    check();
  });
}

test('a part of it that the host has bound elsewhere is no other place', async () => {
  const { path, check } = outside();
  const shared = directory(0o755);
  const bound = directory();
  mkdirSync(join(shared, 'deep/inner'), { recursive: true });
  const secret = join(directory(0o700), 'layer.tar');
  writeFileSync(secret, KEPT);
  await mustRun('mount', ['--bind', join(shared, 'deep/inner'), bound]);
  try {
    const { client, handle } = await server.container({ bind_mounts: [{ src_path: shared, dst_path: '/shared', mode: RW }] });
    const { handle: other } = await server.container();
    // Made by root of the container, the links belong to the host's root, as only the host's own should.
    output(await client.run(handle, `cd /shared/deep/inner; mkdir own; echo ${OWN.trim()} > own/file; ln -s ${path} lies; ln -s ${secret} lies.tar; ln -s own good; mkdir ~vcap/from; echo x > ~vcap/from/canary; chmod -R a+rX ~vcap`, { privileged: true }));
    assert.equal(lstatSync(join(bound, 'lies')).uid, 0);
    await client.request('copy_in', { handle: other, src_path: join(bound, 'own/'), dst_path: 'in' });
    await client.request('copy_out', { handle, src_path: 'from/', dst_path: join(bound, 'own') });
    for (const link of [join(bound, 'lies'), join(shared, 'deep/inner/lies')]) {
      await refused(client.request('copy_in', { handle: other, src_path: `${link}/`, dst_path: 'in' }), 'invalid_argument', /link/);
      await refused(client.request('copy_out', { handle, src_path: 'from/', dst_path: `${link}/` }), 'invalid_argument', /link/);
      await refused(client.create({ bind_mounts: [{ src_path: link, dst_path: '/x', mode: RW }] }), 'invalid_argument', /leads out of .*, which a container can write to/);
      await refused(client.create({ rootfs: link }), 'invalid_argument', /^rootfs .* leads out of /);
      await refused(client.request('image_import', { path: `${link}.tar`, name: 'lies:v1' }), 'invalid_argument', /cannot be imported: it leads out of /);
      await refused(client.request('image_import', { path: link, name: 'lies:v1' }), 'invalid_argument', /cannot be imported: it leads out of /);
    }
    // What a link there does not lead out of is as good as any.
    await refused(client.request('image_import', { path: join(bound, 'good'), name: 'good:v1' }), 'invalid_argument', /neither an image layout/);
    await client.destroy(handle);
    assert.equal(await client.request('copy_in', { handle: other, src_path: join(bound, 'lies/'), dst_path: 'in-again' }).then(() => 'copied'), 'copied', 'without the container the links are the host\'s root\'s own');
  } finally {
    await mustRun('umount', [bound]);
  }
  check();
});
