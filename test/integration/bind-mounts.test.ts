/* Files and directories of the host in containers: what they show, whose files they are, where they end up, and what the host sees of it. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CreateOptions } from '../harness/client.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { readProc } from '../harness/processes.js';
import { runProgram } from '../harness/run-program.js';

const server = useServer({
  rootfs: {
    change: (root) => {
      symlinkSync('/var/led', join(root, 'mnt/absolute'));
      mkdirSync(join(root, 'var/led'));
      symlinkSync('../../../../../../var/led', join(root, 'mnt/out'));
      symlinkSync('/nowhere/at/all', join(root, 'mnt/dangling'));
      symlinkSync('loop', join(root, 'mnt/loop'));
      writeFileSync(join(root, 'mnt/file'), '');
    },
  },
});
const RO = 0;
const RW = 1;

let number = 0;
/** A new directory of the host, of root and mode 0755, with a file of root in it. */
function source(mode = 0o755): string {
  const path = join(server.slot.directory, `source-${number++}`);
  mkdirSync(path);
  chmodSync(path, mode);
  writeFileSync(join(path, 'secret'), 'of the host\n', { mode: 0o600 });
  return path;
}

type Mounts = readonly (readonly [src: string, dst: string, mode: number])[];
const options = (mounts: Mounts): CreateOptions => ({ bind_mounts: mounts.map(([src_path, dst_path, mode]) => ({ src_path, dst_path, mode })) });
const container = (mounts: Mounts): ReturnType<typeof server.container> => server.container(options(mounts));

test('a read-only directory shows what is there and takes nothing', async () => {
  const path = source();
  writeFileSync(join(path, 'open'), 'for all\n', { mode: 0o666 });
  const { client, handle } = await container([[path, '/srv/data', RO]]);
  assert.equal(output(await client.run(handle, 'cat /srv/data/open; stat -c %U /srv/data/secret')), 'for all\nroot\n');
  assert.equal(output(await client.run(handle, 'cat /srv/data/secret', { privileged: true })), 'of the host\n');
  for (const privileged of [false, true]) {
    const { stderr } = await client.run(handle, 'touch /srv/data/new; echo x >> /srv/data/open; rm /srv/data/open; chmod 777 /srv/data', { privileged });
    assert.equal(stderr.match(/Read-only file system/g)?.length, 4, stderr);
  }
  assert.notEqual((await client.run(handle, 'cat /srv/data/secret')).status, 0);
  writeFileSync(join(path, 'later'), 'later\n');
  assert.equal(output(await client.run(handle, 'cat /srv/data/later')), 'later\n');
});

test('in a writable one vcap and root of the container write as the owners they are', async () => {
  const path = source(0o777);
  const { client, handle } = await container([[path, '/data', RW]]);
  const uid = Number(output(await client.run(handle, 'echo mine > /data/mine; id -u')));
  output(await client.run(handle, 'echo root > /data/roots; echo more >> /data/secret', { privileged: true }));
  assert.equal(readFileSync(join(path, 'mine'), 'utf8'), 'mine\n');
  assert.deepEqual(['mine', 'roots'].map((name) => statSync(join(path, name))).map((status) => [status.uid, status.gid]), [[uid, uid], [0, 0]]);
  assert.equal(readFileSync(join(path, 'secret'), 'utf8'), 'of the host\nmore\n');
});

test('of a directory that is not root\'s, only vcap is the same inside: root of the container makes files of its own id', async () => {
  const path = source(0o777);
  chownSync(path, 4321, 4321);
  const { client, handle } = await container([[path, '/data', RW]]);
  const uid = Number(output(await client.run(handle, 'echo mine > /data/mine; id -u')));
  assert.match((await client.run(handle, 'cat /data/secret', { privileged: true })).stderr, /Permission denied/);
  output(await client.run(handle, 'echo x > /data/roots', { privileged: true }));
  assert.equal(statSync(join(path, 'mine')).uid, uid);
  assert.ok(statSync(join(path, 'roots')).uid >= server.slot.startSubuid, 'an id of the container\'s');
  assert.equal(output(await client.run(handle, 'stat -c %u /data/secret /data/mine /data/roots')), `65534\n${uid}\n0\n`);
});

test('no set-user-id, no capabilities and no devices come into being where the host would honour them', async () => {
  const path = source(0o777);
  const { client, handle } = await container([[path, '/data', RW]]);
  for (const privileged of [true, false]) {
    const script = `cd /data; cp /usr/bin/true ./program-${privileged}; for mode in 4755 2755 6755 u+s g+s; do chmod $mode program-${privileged}; done; install -m 4755 /usr/bin/true installed-${privileged}
      mknod device b 7 0; setcap cap_net_raw+ep program-${privileged}; true`;
    assert.match((await client.run(handle, script, { privileged })).stderr, /(?:Operation not permitted[^]*){7}/);
  }
  const bits = readdirSync(path).map((name) => [name, lstatSync(join(path, name))] as const).filter(([, { mode }]) => (mode & 0o6000) !== 0 || (mode & 0o170000) === 0o060000);
  assert.deepEqual(bits.map(([name]) => name), []);
  const { stdout } = await runProgram('getcap', ['-r', path]);
  assert.equal(stdout, '');
  // What is no threat works: sticky and plain modes, and a job in the directory that a request asks for.
  output(await client.run(handle, 'cd /data; mkdir shared; chmod 1777 shared; touch plain; chmod 640 plain', { cwd: '/data' }));
  assert.equal(statSync(join(path, 'shared')).mode & 0o7777, 0o1777);
  assert.equal(output(await client.run(handle, 'id -u', { user: 'root', privileged: true })), '0\n');
});

test('set-user-id works as ever in a container without writable mounts', async () => {
  const { client, handle } = await container([[source(), '/data', RO]]);
  output(await client.run(handle, 'cp /usr/bin/true /tmp/x && chmod 4755 /tmp/x && test -u /tmp/x', { privileged: true }));
});

test('set-user-id programs and devices of the source have no effect in the container', async () => {
  const path = source(0o755);
  copyFileSync('/usr/bin/id', join(path, 'id'));
  chmodSync(join(path, 'id'), 0o4755);
  await runProgram('mknod', ['-m', '666', join(path, 'zero'), 'c', '1', '5']);
  for (const mode of [RO, RW]) {
    const { client, handle } = await container([[path, '/data', mode]]);
    assert.notEqual(output(await client.run(handle, '/data/id -u')), '0\n');
    assert.notEqual((await client.run(handle, 'head -c 1 /data/zero', { privileged: true })).status, 0);
  }
});

test('single files: read-only and writable', async () => {
  const path = source();
  const [one, two] = [join(path, 'one'), join(path, 'two')];
  writeFileSync(one, 'one\n');
  writeFileSync(two, 'two\n');
  const { client, handle } = await container([[one, '/etc/one.conf', RO], [two, '/new/place/two', RW], [one, '/etc/hostname', RO]]);
  assert.equal(output(await client.run(handle, 'cat /etc/one.conf /new/place/two /etc/hostname; ls /new/place')), 'one\ntwo\none\ntwo\n');
  assert.match((await client.run(handle, 'echo x >> /etc/one.conf', { privileged: true })).stderr, /Read-only file system/);
  output(await client.run(handle, 'echo x >> /new/place/two', { privileged: true }));
  assert.deepEqual([readFileSync(one, 'utf8'), readFileSync(two, 'utf8')], ['one\n', 'two\nx\n']);
});

test('sockets and FIFOs are shown as well; devices are refused', async (t) => {
  const path = source();
  const socket = createServer((connection) => connection.end('hello\n'));
  await new Promise<void>((resolve) => socket.listen(join(path, 'socket'), resolve));
  t.after(() => socket.close());
  chmodSync(join(path, 'socket'), 0o666);
  const { client, handle } = await container([[join(path, 'socket'), '/run/service', RO]]);
  assert.equal(output(await client.run(handle, 'perl -MIO::Socket::UNIX -e \'print IO::Socket::UNIX->new(Peer => "/run/service")->getline\'')), 'hello\n');
  await refused(client.create(options([['/dev/null', '/tmp/null', RW]])), 'invalid_argument', /Source path for bind mount cannot be used: \/dev\/null: it is a device/);
});

test('mounts are made in order: later ones lie in and over earlier ones', async () => {
  const [outer, inner, over] = [source(), source(), source()];
  writeFileSync(join(inner, 'inner'), '');
  writeFileSync(join(over, 'over'), '');
  mkdirSync(join(outer, 'sub'));
  const { client, handle } = await container([[outer, '/a', RO], [inner, '/a/sub', RW], [inner, '/b', RO], [over, '/b', RO]]);
  assert.equal(output(await client.run(handle, 'ls /a /a/sub /b')), '/a:\nsecret\nsub\n\n/a/sub:\ninner\nsecret\n\n/b:\nover\nsecret\n');
});

test('destinations are found and made inside the root, whatever the image has on the way', async () => {
  const path = source();
  const places: [string, string][] = [['/new/a/b', '/new/a/b/secret'], ['relative/c', '/relative/c/secret'], ['/mnt/absolute/d', '/var/led/d/secret'], ['/mnt/out/e', '/var/led/e/secret'], ['/x/../../../y', '/y/secret'], ['/z/./w//', '/z/w/secret']];
  const { client, handle } = await container(places.map(([destination]) => [path, destination, RO]));
  for (const [, found] of places) assert.equal(output(await client.run(handle, `stat -c %n ${found}`, { privileged: true })), `${found}\n`);
  for (const name of ['new', 'relative', 'y', 'z', 'led']) assert.ok(!existsSync(`/${name}`) && !existsSync(join(server.paths.rootfs, name)), name);
});

test('destinations that cannot be are refused by what is wrong with them', async () => {
  const path = source();
  const client = await server.connect();
  const cases: [string, RegExp][] = [
    ['/', /must name a place below the root/], ['', /must name a place below the root/], ['/..', /must name a place below the root/], ['/a\0b', /NUL/], [`/${'x'.repeat(256)}`, /more than 255 bytes/], [`/${'x/'.repeat(2048)}`, /longer than 4094 bytes/],
    ['/mnt/dangling/x', /\/mnt\/dangling.*leads nowhere/], ['/mnt/loop', /loop of symbolic links/], ['/mnt/file', /is a file/], ['/mnt/file/x', /is a file/],
    ['/proc/sys', /below \/proc and \/sys/], ['/proc', /below \/proc and \/sys/], ['/sys/fs', /below \/proc and \/sys/], ['/usr/not-there', /read-only/],
  ];
  for (const [destination, reason] of cases) await refused(client.create(options([[path, destination, RO]])), 'invalid_argument', reason);
  await refused(client.create(options(Array.from({ length: 101 }, () => [path, '/x', RO] as const))), 'invalid_argument', /101 are too many/);
});

test('sources that are not there, or must not be seen', async () => {
  const client = await server.connect();
  for (const path of ['/nowhere', 'usr', '', '/usr\0', `/${'x'.repeat(5000)}`]) {
    await refused(client.create(options([[path, '/x', RO]])), 'not_found', new RegExp(`Source path for bind mount does not exist: ${path.slice(0, 20)}`));
  }
  const link = join(source(), 'depot');
  symlinkSync(server.paths.depot, link);
  for (const path of ['/', server.paths.depot, join(server.paths.depot, 'containers'), server.slot.directory, link]) {
    await refused(client.create(options([[path, '/x', RO]])), 'invalid_argument', /Source path for bind mount cannot be used/);
  }
});

test('info lists them, jobs do not, and both survive a restart; the host\'s mount table never has them', async () => {
  const path = source(0o777);
  // Others may mount what they like meanwhile.
  const ours = (): string[] => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(server.slot.directory));
  const before = ours();
  const { client, handle } = await container([[path, '/data', RW], [join(path, 'secret'), '/etc/secret', RO]]);
  const expected = [{ src_path: path, dst_path: '/data', mode: RW }, { src_path: join(path, 'secret'), dst_path: '/etc/secret', mode: RO }];
  assert.deepEqual((await client.info(handle)).bind_mounts, expected);
  assert.deepEqual(ours(), before);
  const [pid] = await server.pidsOf(handle);
  assert.ok(readProc(pid ?? 0, 'mountinfo').split('\n').every((line) => !line.includes('shared:') && !line.includes('master:')));
  await server.restart(undefined, 'SIGKILL');
  const again = await server.connect();
  assert.deepEqual((await again.info(handle)).bind_mounts, expected);
  output(await again.run(handle, 'echo x > /data/after; test -d /data'));
  assert.equal(readFileSync(join(path, 'after'), 'utf8'), 'x\n');
});

test('what the host mounts below a source afterwards does not appear inside', async () => {
  const path = source();
  mkdirSync(join(path, 'below'));
  const { client, handle } = await container([[path, '/data', RO]]);
  const later = source();
  await runProgram('mount', ['--bind', later, join(path, 'below')]);
  try {
    assert.equal(output(await client.run(handle, 'ls /data/below')), '');
  } finally {
    await runProgram('umount', [join(path, 'below')]);
  }
});

test('the source is as it was when containers with it are gone', async () => {
  const path = source();
  const { client, handle } = await container([[path, '/data', RW]]);
  await client.destroy(handle);
  assert.deepEqual(readdirSync(path), ['secret']);
  rmSync(path, { recursive: true });
});

test('A15: with a shared / on the host, nothing of a hundred creates spreads', async () => {
  const path = source(0o777);
  await server.restart({ prefix: ['unshare', '--mount', '--propagation', 'shared', '--'] });
  const table = (): string => readProc(server.daemon.pid, 'mountinfo');
  const before = table();
  assert.match(before, /shared:/);
  const client = await server.connect();
  for (let round = 0; round < 100; round++) {
    const handle = await client.create(options([[path, '/data', RW], [path, '/shown', RO]]));
    assert.equal(table(), before);
    await client.destroy(handle);
  }
  assert.equal(table(), before);
  await server.restart({});
});

test('a configuration may keep the host\'s root apart from a container\'s', async () => {
  const path = source(0o777);
  await server.restart({ server: { bind_mount_root: false } });
  const { client, handle } = await container([[path, '/data', RW]]);
  assert.match((await client.run(handle, 'cat /data/secret; echo x > /data/secret', { privileged: true })).stderr, /Permission denied[^]*Permission denied/);
  output(await client.run(handle, 'echo x > /data/roots', { privileged: true }));
  assert.ok(statSync(join(path, 'roots')).uid >= server.slot.startSubuid);
  await client.destroy(handle);
  await server.restart({});
});
