/* copy_out as a client sees it: what comes out, whose it is, and what vcap may not read. */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import type { Fields } from '../harness/wire.js';

const server = useServer();
let targets = 0;

/** A path on the host where nothing is. */
function target(): string {
  return join(server.slot.directory, `target-${targets++}`);
}

const counts = ({ made, bytes, skipped }: Fields): Fields => ({ made, bytes, skipped });

test('a tree comes out as it is, and is root\'s', async () => {
  const { client, handle } = await server.container();
  output(await client.run(handle, 'mkdir -p t/a/b; cd t; echo one > a/one; ln a/one a/same; chmod 640 a/one; ln -s /etc/shadow link; mkfifo fifo; echo set > set; chmod 6755 set; printf x > $\'odd\\n\\377\''));
  const path = target();
  const answer = await client.request('copy_out', { handle, src_path: 't/', dst_path: path });
  assert.deepEqual({ ...counts(answer), paths: answer['skipped_paths'] }, { made: 8n, bytes: 13n, skipped: 1n, paths: ['fifo'] });
  assert.equal(readFileSync(join(path, 'a/one'), 'utf8'), 'one\n');
  const one = lstatSync(join(path, 'a/one'));
  assert.deepEqual({ mode: one.mode & 0o7777, uid: one.uid, gid: one.gid, links: one.nlink }, { mode: 0o640, uid: 0, gid: 0, links: 1 });
  assert.equal(readlinkSync(join(path, 'link')), '/etc/shadow');
  assert.equal(lstatSync(join(path, 'set')).mode & 0o7777, 0o755);
  assert.deepEqual(readdirSync(path, { encoding: 'buffer' }).map((name) => name.toString('latin1')).toSorted(), ['a', 'link', 'odd\n\u00ff', 'set']);
  await client.request('copy_out', { handle, src_path: 't/set', dst_path: join(path, 'kept'), keep_set_id: true });
  assert.equal(lstatSync(join(path, 'kept')).mode & 0o7777, 0o6755);
});

test('an owner by name or number, for everything that is made', async () => {
  const { client, handle } = await server.container();
  output(await client.run(handle, 'mkdir -p t/d; cd t; echo x > d/x; ln -s x l'));
  const ownersOf = (path: string): string[] => ['', 'd', 'd/x', 'l'].map((name) => lstatSync(join(path, name))).map(({ uid, gid }) => `${uid}:${gid}`);
  for (const [owner, expected] of [['12345:54321', '12345:54321'], ['12345', '12345:0'], [':54321', '0:54321'], ['nobody:daemon', '65534:1'], ['daemon:', '1:1'], ['root', '0:0']] as const) {
    const path = target();
    await client.request('copy_out', { handle, src_path: 't/', dst_path: path, owner });
    assert.deepEqual(ownersOf(path), [expected, expected, expected, expected], owner);
  }
  const path = target();
  for (const [owner, code] of [
    ['nobody-of-that-name', 'not_found'], ['root:no-such-group', 'not_found'], ['--reference=/etc/passwd', 'invalid_argument'], ['root root', 'invalid_argument'], ['4294967295', 'invalid_argument'], ['-1', 'invalid_argument'],
    ['12:', 'invalid_argument'], [':', 'invalid_argument'], ['a:b:c', 'invalid_argument'], ['root\n', 'invalid_argument'],
  ] as const) await refused(client.request('copy_out', { handle, src_path: 't/', dst_path: path, owner }), code, /owner/);
  assert.throws(() => statSync(path), /ENOENT/);
});

test('what only root of the container can read stays there; of the host nothing but the path is touched', async () => {
  const { client, handle } = await server.container();
  output(await client.run(handle, 'echo secret > /root/secret; mkdir -p /srv/t; echo a > /srv/t/a; echo b > /srv/t/b; chmod 600 /srv/t/b; ln -s /root/secret /srv/link', { privileged: true }));
  const path = target();
  await refused(client.request('copy_out', { handle, src_path: '/root/secret', dst_path: path }), 'permission', /copy in the container .*permission denied/);
  await refused(client.request('copy_out', { handle, src_path: '/srv/t/b', dst_path: path }), 'permission', /permission denied/);
  await refused(client.request('copy_out', { handle, src_path: '/srv/t', dst_path: path }), 'permission', /copy in the container \(t\/b\)/);
  await client.request('copy_out', { handle, src_path: '/srv/link', dst_path: join(path, 'link') });
  assert.equal(readlinkSync(join(path, 'link')), '/root/secret');
  await refused(client.request('copy_out', { handle, src_path: '/srv/t/a', dst_path: join(server.slot.directory, 'not/there/a') }), 'not_found', /copy on the host/);
  await refused(client.request('copy_out', { handle, src_path: '/srv/missing', dst_path: path }), 'not_found', /copy in the container/);
  await refused(client.request('copy_out', { handle, src_path: '/srv/t/a', dst_path: 'relative' }), 'invalid_argument', /has to begin with \//);
});

test('what is there stays: other files, a directory\'s owner; a file is replaced by a whole one', async () => {
  const { client, handle } = await server.container();
  output(await client.run(handle, 'mkdir t; echo new > t/file'));
  const path = target();
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(path, 'extra'), 'extra');
  writeFileSync(join(path, 'file'), 'old', { mode: 0o600 });
  await client.request('copy_out', { handle, src_path: 't/', dst_path: path, owner: '12345:12345' });
  assert.deepEqual(readdirSync(path).toSorted(), ['extra', 'file']);
  assert.equal(readFileSync(join(path, 'file'), 'utf8'), 'new\n');
  assert.deepEqual([statSync(path).uid, statSync(path).mode & 0o777, statSync(join(path, 'file')).uid, statSync(join(path, 'extra')).uid], [0, 0o700, 12345, 0]);
});

test('files that say they have no size have their contents; a container that is stopped still gives', async () => {
  const { client, handle } = await server.container();
  await client.request('stop', { handle });
  const path = target();
  await client.request('copy_out', { handle, src_path: '/proc/self/status', dst_path: path }).then(() => assert.match(readFileSync(path, 'utf8'), /^Name:/), (error: unknown) => assert.match(String(error), /no such file/));
  await client.request('copy_out', { handle, src_path: '/proc/version', dst_path: `${path}-version` });
  assert.match(readFileSync(`${path}-version`, 'utf8'), /^Linux version/);
});
