/* copy_in as a client sees it: what comes in, whose it is, and what it does to what is there. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { mustRun } from '../harness/run-program.js';
import type { Fields } from '../harness/wire.js';

const server = useServer({ files: { copy_entries_max: 50, copy_bytes_max: 100_000_000 } });
let sources = 0;

/** A new directory on the host. */
function directory(): string {
  const path = join(server.slot.directory, `source-${sources++}`);
  mkdirSync(path);
  return path;
}

const counts = ({ made, bytes, skipped }: Fields): Fields => ({ made, bytes, skipped });

test('a tree arrives as it is: modes, links, empty directories, any bytes in names; hard links as files; and all of it is vcap\'s', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  mkdirSync(join(path, 'a/b'), { recursive: true });
  mkdirSync(join(path, 'empty'));
  writeFileSync(join(path, 'a/one'), 'one');
  linkSync(join(path, 'a/one'), join(path, 'a/same'));
  writeFileSync(join(path, 'a/b/run'), '#!/bin/sh\n');
  chmodSync(join(path, 'a/b/run'), 0o751);
  chmodSync(join(path, 'empty'), 0o500);
  symlinkSync('../a/one', join(path, 'a/link'));
  symlinkSync('/etc/shadow', join(path, 'absolute'));
  writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0x0a, 0x20, 0x27])]), 'odd');
  writeFileSync(join(path, '-rf $(id);`id`'), 'option');
  const answer = await client.request('copy_in', { handle, src_path: `${path}/`, dst_path: '/home/vcap/tree' });
  assert.deepEqual(counts(answer), { made: 11n, bytes: 25n, skipped: undefined });
  const listing = output(await client.run(handle, 'cd tree; find . -mindepth 1 ! -user vcap -o ! -group vcap | wc -l; find . -mindepth 1 -type d -printf "%y %m %p\\0" -o -mindepth 1 ! -type d -printf "%y %m %n %l %s %p\\0" | LC_ALL=C sort -z | tr "\\0\\n" "\\n?" | LC_ALL=C tr "\\377" "!"'));
  assert.deepEqual(listing.trimEnd().split('\n'), [
    '0',
    'd 500 ./empty', 'd 755 ./a', 'd 755 ./a/b',
    'f 644 1  3 ./a/one', 'f 644 1  3 ./a/same', 'f 644 1  3 ./!? \'', 'f 644 1  6 ./-rf $(id);`id`', 'f 751 1  10 ./a/b/run',
    'l 777 1 ../a/one 8 ./a/link', 'l 777 1 /etc/shadow 11 ./absolute',
  ]);
});

test('where it goes: a new name, a directory that is there or one level of it that is not; relative to HOME; with and without a slash', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  writeFileSync(join(path, 'file'), 'text');
  const copy = (source: string, destination: string): Promise<Fields> => client.request('copy_in', { handle, src_path: source, dst_path: destination });
  await copy(join(path, 'file'), 'renamed');
  await copy(join(path, 'file'), '/home/vcap');
  await copy(join(path, 'file'), 'made/');
  await copy(path, 'whole');
  await copy(`${path}/`, 'contents/');
  await copy(`${path}/.`, '/tmp/dot');
  const name = path.slice(path.lastIndexOf('/') + 1);
  assert.equal(output(await client.run(handle, 'find ~ /tmp/dot -type f | sort')), [
    '/home/vcap/contents/file', '/home/vcap/file', '/home/vcap/made/file', '/home/vcap/renamed', `/home/vcap/whole/${name}/file`, '/tmp/dot/file', ''].join('\n'));
  await refused(copy(join(path, 'file'), 'not/there'), 'not_found', /copy in the container \(.*not\/\): no such file or directory/);
  await refused(copy(path, 'not/there/either'), 'not_found', /no such file/);
  await refused(copy(join(path, 'file/'), 'x'), 'invalid_argument', /copy on the host .*it is no directory/);
  await refused(copy(path, 'renamed'), 'invalid_argument', /no directory/);
  await refused(copy(join(path, 'missing'), 'x'), 'not_found', /copy on the host \(.*missing\): no such file/);
  await refused(copy('relative', 'x'), 'invalid_argument', /has to begin with \//);
  await refused(copy(join(path, 'file'), '/root/x'), 'permission', /copy in the container .*permission denied/);
});

test('what is in the way: files and links are replaced, directories stay with what else is in them; contents are compared by nothing but contents', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  mkdirSync(join(path, 'd'));
  for (const name of ['file', 'link', 'd/inner', 'linked']) writeFileSync(join(path, name), 'new1');
  output(await client.run(handle, 'mkdir -p t/d && chmod 711 t/d && cd t && echo extra > extra && echo -n old1 > file && ln file other && echo victim > victim && ln -s victim link && mkdir elsewhere && echo keep > elsewhere/inner && echo -n old1 > d/inner && ln -s elsewhere linked'));
  // Same size, same time.
  await mustRun('touch', ['-d', '@1000000000', join(path, 'file')]);
  output(await client.run(handle, 'touch -d @1000000000 t/file'));
  await client.request('copy_in', { handle, src_path: `${path}/`, dst_path: 't' });
  assert.equal(output(await client.run(handle, 'cd t; cat extra; cat file other link victim d/inner linked elsewhere/inner; stat -c "%F %a" link d linked; [ $(stat -c %Y file) -gt 1000000000 ] && echo now')),
    'extra\nnew1old1new1victim\nnew1new1keep\nregular file 644\ndirectory 711\nregular file 644\nnow\n');
  await refused(client.request('copy_in', { handle, src_path: join(path, 'file'), dst_path: 't/d/inner/' }), 'invalid_argument', /no directory/);
  output(await client.run(handle, 'mkdir -p conflict/file'));
  await refused(client.request('copy_in', { handle, src_path: join(path, 'file'), dst_path: 'conflict' }), 'invalid_argument', /directory is in the way/);
});

test('devices, sockets and FIFOs are left out, and told; set-id bits go unless they are asked for', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  mkdirSync(join(path, 'in'));
  await mustRun('mkfifo', [join(path, 'in/fifo')]);
  await mustRun('mknod', [join(path, 'null'), 'c', '1', '3']);
  const socket = net.createServer().listen(join(path, 'socket'));
  await new Promise((resolve) => socket.once('listening', resolve));
  writeFileSync(join(path, 'program'), 'x');
  chmodSync(join(path, 'program'), 0o6755);
  const answer = await client.request('copy_in', { handle, src_path: path, dst_path: 'into' });
  socket.close();
  assert.deepEqual(counts(answer), { made: 4n, bytes: 1n, skipped: 3n });
  const name = path.slice(path.lastIndexOf('/') + 1);
  assert.deepEqual((answer['skipped_paths'] as string[]).toSorted(), [`${name}/in/fifo`, `${name}/null`, `${name}/socket`]);
  assert.equal(output(await client.run(handle, `find into ! -type d -printf "%P %m\\n"`)), `${name}/program 755\n`);
  await client.request('copy_in', { handle, src_path: join(path, 'program'), dst_path: 'kept', keep_set_id: true });
  assert.equal(output(await client.run(handle, 'stat -c %a kept')), '6755\n');
  const skipped = await client.request('copy_in', { handle, src_path: join(path, 'null'), dst_path: 'nothing' });
  assert.deepEqual(counts(skipped), { made: 0n, bytes: 0n, skipped: 1n });
});

test('a sparse file stays sparse, and one of more than what memory holds at once is whole', async () => {
  const { client, handle } = await server.container();
  const path = join(directory(), 'sparse');
  writeFileSync(path, 'begin');
  truncateSync(path, 1 << 30);
  writeFileSync(path, 'end', { flag: 'a' });
  const answer = await client.request('copy_in', { handle, src_path: path, dst_path: 'sparse' });
  assert.ok((answer['bytes'] as bigint) < 100_000n, `${String(answer['bytes'])} bytes`);
  assert.equal(output(await client.run(handle, 'stat -c %s sparse; [ $(stat -c %b sparse) -lt 1000 ] && echo small; head -c 5 sparse; tail -c 3 sparse')), `${(1 << 30) + 3}\nsmall\nbeginend`);
  const whole = join(directory(), 'whole');
  await mustRun('sh', ['-c', 'seq 1 9000000 > "$1"', 'sh', whole]);
  const [sum] = (await mustRun('sha256sum', [whole])).split(' ');
  await client.request('copy_in', { handle, src_path: whole, dst_path: 'whole' });
  assert.equal(output(await client.run(handle, 'sha256sum < whole')), `${sum}  -\n`);
});

test('limits of entries, bytes and depth; what was whole by then stays, and nothing of what was not', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  for (let index = 0; index < 60; index++) writeFileSync(join(path, `file-${index}`), 'x');
  await refused(client.request('copy_in', { handle, src_path: `${path}/`, dst_path: 'many' }), 'exhausted', /more than 50 entries.*files\.copy_entries_max/);
  assert.equal(output(await client.run(handle, 'ls -A many | wc -l; ls -A many | grep -v ^file- | wc -l')), '49\n0\n');
  const big = join(directory(), 'big');
  await mustRun('sh', ['-c', 'head -c 110000000 /dev/zero > "$1"', 'sh', big]);
  output(await client.run(handle, 'echo old > old'));
  for (const name of ['new', 'old']) await refused(client.request('copy_in', { handle, src_path: big, dst_path: name }), 'exhausted', /more than 100000000 bytes/);
  assert.equal(output(await client.run(handle, 'ls -A; cat old')).replaceAll(/^\.bash.*\n|^\.profile\n/gm, ''), 'many\nold\nold\n');
  const deep = directory();
  await mustRun('sh', ['-c', 'cd "$1" && for i in $(seq 300); do mkdir d && cd d; done', 'sh', deep]);
  await refused(client.request('copy_in', { handle, src_path: deep, dst_path: 'deep' }), 'exhausted', /more than 50 entries/);
});

test('a stopped container takes copies, one that is gone does not', async () => {
  const { client, handle } = await server.container();
  const path = join(directory(), 'file');
  writeFileSync(path, 'text');
  await client.request('stop', { handle });
  assert.deepEqual(counts(await client.request('copy_in', { handle, src_path: path, dst_path: 'file' })), { made: 1n, bytes: 4n, skipped: undefined });
  await client.destroy(handle);
  await refused(client.request('copy_in', { handle, src_path: path, dst_path: 'file' }), 'not_found', /unknown handle/);
});

const FOLDERS = ['a', 'a/b', 'c', 'd', 'e', 'f'];

/** Files that one thread makes while another one writes; sizes of all kinds. */
function manyFiles(path: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const [index, size] of [0, 1, 16_383, 16_384, 100_000, 8_388_608, 8_388_609, 300_000].entries()) {
    for (const folder of ['a', 'a/b', 'c']) files.set(`${folder}/${index}`, Buffer.alloc(size, index + 1));
  }
  // The one file of a directory, which is left while it is written.
  for (const folder of ['d', 'e', 'f']) files.set(`${folder}/only`, Buffer.alloc(6_000_000, folder));
  for (const folder of FOLDERS) mkdirSync(join(path, folder), { recursive: true });
  for (const [name, content] of files) writeFileSync(join(path, name), content, { mode: 0o640 });
  for (const folder of FOLDERS) chmodSync(join(path, folder), 0o550);
  return files;
}

/** A line for each file: mode, size, and the hash of what is in it. */
const LISTING = `cd tree; find . -type f -printf "%m %P " -exec sh -c 'sha256sum < "$0"' {} \\; | sort -k2; stat -c "%a %n" ${FOLDERS.join(' ')}`;

function listingOf(files: Map<string, Buffer>, folderMode: string): string {
  const lines = [...files].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, content]) => `640 ${name} ${createHash('sha256').update(content).digest('hex')}  -`);
  return [...lines, ...FOLDERS.map((folder) => `${folderMode} ${folder}`), ''].join('\n');
}

test('many files are whole, with their modes, in directories that nobody may write to; also over files that are there, and at the limit of processes', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  const files = manyFiles(path);
  const copy = async (folders: number): Promise<void> => {
    assert.deepEqual(counts(await client.request('copy_in', { handle, src_path: `${path}/`, dst_path: 'tree' })), { made: BigInt(files.size + folders), bytes: BigInt([...files.values()].reduce((sum, { length }) => sum + length, 0)), skipped: undefined });
  };
  await copy(FOLDERS.length + 1);
  assert.equal(output(await client.run(handle, LISTING)), listingOf(files, '550'));
  // Over others, also with one process and no thread beside it. The destination is there already.
  for (const limit of [100n, 2n]) {
    output(await client.run(handle, 'cd tree; chmod -R u+w .; find . -type f -exec sh -c \'echo else > "$0"\' {} \\;; chmod 750 */ a/b'));
    await client.request('limit_pids', { handle, limit });
    await copy(FOLDERS.length);
    await client.request('limit_pids', { handle, limit: 100n });
    assert.equal(output(await client.run(handle, LISTING)), listingOf(files, '750'));
  }
});

test('a limit that is broken in the middle of many files leaves whole ones', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  for (let index = 10; index < 40; index++) writeFileSync(join(path, String(index)), Buffer.alloc(4_000_000, index));
  await refused(client.request('copy_in', { handle, src_path: `${path}/`, dst_path: 'tree' }), 'exhausted', /more than 100000000 bytes/);
  await server.untilFilesAreLeft();
  const listing = output(await client.run(handle, 'cd tree; ls -A | wc -l; find . -type f ! -size 4000000c; find . -name ".*part"'));
  assert.match(listing, /^2[45]\n$/);
});
