/* A11: an image in which every program is a canary that tells where it runs. Whatever is asked of its container, only what a job names is run, and that inside. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { streamUntil } from '../harness/expect.js';
import { useServer, type ServerFixture } from '../harness/fixture.js';
import { configOf, hex, ociLayout, packLayer } from '../harness/image-files.js';
import { repository } from '../harness/paths.js';
import { compileProbe } from '../harness/programs.js';
import { runProgram } from '../harness/run-program.js';

const namespaces = ['mnt', 'pid', 'net', 'user', 'ipc', 'uts', 'cgroup'];
const mark = 'CANARY-PATH:';
let diffId: string;
/** The first rule with a name starts the resolver, which stays. */
const server = useServer({ warmUp: async (client, handle) => { await client.request('net_out', { handle, domain: 'example.com' }); } }, prepare);
const made = (...parts: string[]): string => join(server.slot.directory, 'made', ...parts);
/** On the host, and with the same path in the image. */
const log = (): string => made('log');
const program = (): string => made('canary');

async function prepare(fixture: ServerFixture): Promise<void> {
  mkdirSync(made());
  writeFileSync(log(), '');
  chmodSync(log(), 0o666);
  const bytes = readFileSync(await compileProbe('canary', join(repository, 'test/dist/probes')));
  const at = bytes.indexOf(mark);
  assert.ok(at > 0);
  bytes.write(`${mark}${log()}\0`, at);
  writeFileSync(program(), bytes, { mode: 0o755 });

  const root = made('root');
  const put = (path: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (!existsSync(join(root, path))) linkSync(program(), join(root, path));
  };
  for (const directory of ['/bin', '/sbin', '/usr/bin', '/usr/sbin']) for (const name of readdirSync(directory)) put(join(directory, name));
  // What the kernel runs for programs that are linked dynamically, and what is known by other places.
  for (const path of ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1', '/lib/ld-musl-x86_64.so.1', '/init', '/usr/lib/systemd/systemd', '/usr/lib/openssh/sftp-server', '/usr/local/bin/bash', '/etc/profile', '/root/.bashrc']) put(path);
  mkdirSync(join(root, dirname(log())), { recursive: true });
  writeFileSync(join(root, log()), '');
  chmodSync(join(root, log()), 0o666);
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/bash\napp:x:700:700::/:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  const layer = await packLayer(root, made('layer.tar'), 'gzip');
  ({ diffId } = layer);
  ociLayout(made('layout'), [{ name: 'canary:v1', config: configOf([layer], { User: 'app', Entrypoint: ['/bin/entry'], Cmd: ['/bin/cat'] }), layers: [layer] }]);
  const client = await fixture.connect();
  await client.request('image_import', { path: made('layout') });
}

/** Names as which something was run, of a file with notes, and in how many of the namespaces that the host has. */
function runs(text: string): { name: string; ofTheHost: string[] }[] {
  const own = namespaces.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  return text.split('\n').filter((line) => line !== '').map((line) => {
    const [name = '', ...found] = line.split(' ');
    assert.equal(found.length, namespaces.length, line);
    return { name, ofTheHost: found.filter((target) => target === 'unknown' || own.includes(target)) };
  });
}

for (const kind of ['an image', 'a directory']) {
  test(`A11: of ${kind} full of canaries only jobs are run, and inside`, async () => {
    const rootfs = kind === 'an image' ? 'image:canary:v1' : made('root');
    const { client, handle } = await server.container({ rootfs, bind_mounts: [{ src_path: made('layout'), dst_path: '/mnt/bin', mode: 0 }] });
    const ran: string[] = [];
    const run = async (name: string, script: string, options: object = {}): Promise<void> => {
      const { stdout, status } = await client.run(handle, script, options);
      assert.deepEqual([stdout, status], [`${name}\n`, 0]);
      ran.push(name);
    };
    await run('/bin/bash', 'echo this is no shell');
    await run('/bin/bash', 'true', { privileged: true, log_tag: 'canary' });
    await run('cat', '', { args: ['cat'] });
    await run('/usr/bin/env', '', { args: ['/usr/bin/env'], user: 'app', env: ['LD_PRELOAD=/bin/ls', 'BASH_ENV=/etc/profile'] });
    await run('/lib64/ld-linux-x86-64.so.2', '', { args: ['/lib64/ld-linux-x86-64.so.2'], privileged: true });

    await using files = await WardenClient.connect({ path: server.paths.socket });
    await files.files.write({ handle, path: '/tmp/file' }, 'content');
    await files.files.list({ handle, path: '/bin' });
    await files.files.tarIn({ handle, path: '/tmp' }, await files.files.tarOut({ handle, path: '/tmp' }).bytes());
    await client.request('copy_in', { handle, src_path: made('layout'), dst_path: '/tmp/copied' });
    await client.request('copy_out', { handle, src_path: '/tmp/copied', dst_path: made(`copied-${kind.length}`) });
    await client.request('net_out', { handle, domain: 'example.com' });
    await client.request('net_out', { handle, network: '192.0.2.1', port: 80 });
    const { host_port: port } = await client.request('net_in', { handle });
    await client.request('limit_memory', { handle, limit_in_bytes: 1n << 28n });
    await client.request('limit_bandwidth', { handle, rate: 1_000_000n, burst: 1_000_000n });
    await client.info(handle);
    const jobId = await client.spawn(handle, '', { args: ['/sbin/init', 'wait'], stdin: true });
    const watcher = await server.connect();
    await streamUntil(watcher.stream(handle, jobId), '/sbin/init\n');
    ran.push('/sbin/init');
    watcher.close();
    await server.restart();
    const next = await server.connect();
    await next.request('net_in', { handle, host_port: Number(port), remove: true });
    const notes = async (): Promise<string> => {
      await using reader = await WardenClient.connect({ path: server.paths.socket });
      return await reader.files.read({ handle, path: log() }).text();
    };
    const inside = await notes();
    assert.deepEqual(runs(inside).map(({ name }) => name), ran, 'what was run in the container');
    assert.deepEqual(runs(inside).flatMap(({ ofTheHost }) => ofTheHost), [], 'in namespaces of its own');
    await next.request('stop', { handle, kill: false });
    assert.equal(await notes(), inside);
    await next.destroy(handle);
    const layer = join(server.paths.depot, 'images/layers', hex(diffId), 'root');
    for (const outside of [log(), join(layer, log()), join(made('root'), log())]) assert.equal(readFileSync(outside, 'utf8'), '', `${outside}: a program of the image ran on the host`);
  });
}

test('A11: run on the host a canary tells, the probe can succeed', async () => {
  const { stdout } = await runProgram(program(), []);
  assert.equal(stdout, `${program()}\n`);
  const [seen] = runs(readFileSync(log(), 'utf8'));
  assert.deepEqual([seen?.name, seen?.ofTheHost.length], [program(), namespaces.length]);
});
