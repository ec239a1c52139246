/*
 * A8 (CVE-2019-14271): an image whose name service and preloaded library tell who loads them. Whoever works on a container's files, or looks for a user there,
 * loads nothing of the image; a job of the image's does, inside.
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { output } from '../harness/expect.js';
import { useServer, type ServerFixture } from '../harness/fixture.js';
import { probeSources } from '../harness/paths.js';
import { compileProbe } from '../harness/programs.js';
import { mustRun } from '../harness/run-program.js';

const LIBRARIES = ['name-service', 'preload'] as const;
const server = useServer({}, prepare);
const made = (...parts: string[]): string => join(server.slot.directory, 'made', ...parts);
/** On the host, and with the same path in the image. */
const log = (): string => made('log');
const root = (): string => made('root');

/** With what the dynamic loader finds for it. */
async function install(program: string): Promise<void> {
  const libraries = [...(await mustRun('ldd', [program])).matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  for (const path of [program, ...libraries]) {
    mkdirSync(join(root(), dirname(path)), { recursive: true });
    copyFileSync(path, join(root(), path));
  }
}

async function library(name: (typeof LIBRARIES)[number], path: string): Promise<void> {
  const target = join(root(), path);
  mkdirSync(dirname(target), { recursive: true });
  const defined = [`-DEVIL_NAME="${name}"`, `-DEVIL_LOG="${log()}"`];
  await mustRun('gcc', ['-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', ...defined, '-o', target, join(probeSources, 'evil-library.c')]);
}

function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(join(root(), dirname(path)), { recursive: true });
  writeFileSync(join(root(), path), text);
  chmodSync(join(root(), path), mode);
}

async function prepare(_fixture: ServerFixture): Promise<void> {
  mkdirSync(made());
  writeFileSync(log(), '');
  chmodSync(log(), 0o666);
  for (const program of ['/bin/bash', '/usr/bin/id']) await install(program);
  const loader = (await mustRun('ldd', ['/usr/bin/id'])).split('\n').map((line) => /(\/\S*ld-linux\S*) \(0x/.exec(line)?.[1]).find((path) => path !== undefined);
  assert.ok(loader !== undefined);
  // glibc looks for a name service beside the C library.
  const libc = /=> (\/\S+\/)libc\.so/.exec(await mustRun('ldd', ['/usr/bin/id']))?.[1] ?? '/lib/';
  await library('name-service', join(libc, 'libnss_evil.so.2'));
  await library('preload', '/lib/evil/preload.so');
  put('/etc/ld.so.preload', '/lib/evil/preload.so\n');
  put('/etc/nsswitch.conf', 'passwd: evil files\ngroup: evil files\ninitgroups: evil files\nshadow: evil files\nhosts: evil files\n');
  put('/etc/passwd', 'root:x:0:0:root:/:/bin/bash\nsomeone:x:700:700::/:/bin/bash\n');
  put('/etc/group', 'root:x:0:\nsomeone:x:700:\n');
  put(log(), '', 0o666);
  put('/tmp/file', 'content', 0o666);
  chmodSync(join(root(), 'tmp'), 0o777);
  copyFileSync(await compileProbe('exchange', join(dirname(probeSources), '../dist/probes')), join(root(), 'static'));
  chmodSync(join(root(), 'static'), 0o755);
}

interface Note { readonly name: string; readonly program: string; readonly isOfTheHost: boolean }

function notes(text: string): Note[] {
  const own = ['mnt', 'user'].map((name) => readlinkSync(`/proc/self/ns/${name}`));
  return text.split('\n').filter((line) => line !== '').map((line) => {
    const [name = '', program = '', ...namespaces] = line.split(' ');
    assert.equal(namespaces.length, 2, line);
    return { name, program, isOfTheHost: namespaces.some((each) => own.includes(each)) };
  });
}

test('A8: nobody but a job loads what the image has for it', async () => {
  const { client, handle } = await server.container({ rootfs: root() });
  await using files = await WardenClient.connect({ path: server.paths.socket });
  const inside = async (): Promise<Note[]> => notes(await files.files.read({ handle, path: log() }).text());
  for (const user of ['vcap', 'root', 'someone']) {
    await files.files.stat({ handle, path: '/tmp/file', user });
    await files.files.list({ handle, path: '/', user });
    await files.files.write({ handle, path: `/tmp/of-${user}`, user }, 'content');
    await files.files.tarIn({ handle, path: '/tmp', user }, await files.files.tarOut({ handle, path: '/tmp/file', user }).bytes());
  }
  mkdirSync(made('source'));
  writeFileSync(made('source/file'), 'content');
  await client.request('copy_in', { handle, src_path: made('source/'), dst_path: '/tmp/copied' });
  await client.request('copy_out', { handle, src_path: '/tmp/copied', dst_path: made('out'), owner: 'daemon:daemon' });
  for (const user of ['someone', '700:700']) {
    // A program without libraries: it says what it lacks, and ends.
    assert.notEqual((await client.run(handle, '', { args: ['/static'], user })).status, 0);
  }
  await client.info(handle);
  assert.deepEqual(await inside(), [], 'loaded by something of the server\'s');
  await server.restart();
  const next = await server.connect();
  assert.match(output(await next.run(handle, 'id someone')), /uid=700/);
  const found = await (async () => {
    await using reader = await WardenClient.connect({ path: server.paths.socket });
    return notes(await reader.files.read({ handle, path: log() }).text());
  })();
  for (const name of LIBRARIES) assert.ok(found.some((note) => note.name === name && note.program === '/usr/bin/id'), `${name} is what jobs load: ${JSON.stringify(found)}`);
  assert.deepEqual(found.filter(({ isOfTheHost }) => isOfTheHost), [], 'in namespaces of its own');
  await next.destroy(handle);
  for (const path of [log(), join(root(), log())]) assert.equal(readFileSync(path, 'utf8'), '', `${path}: something of the image was loaded on the host`);
});

test('A8: loaded on the host they tell, the probe can succeed', async () => {
  await mustRun('chroot', [root(), '/usr/bin/id', 'someone']);
  const found = notes(readFileSync(join(root(), log()), 'utf8'));
  for (const name of LIBRARIES) assert.ok(found.some((note) => note.name === name), JSON.stringify(found));
});
