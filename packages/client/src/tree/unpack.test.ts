/* What comes out of a container is extracted on somebody's own disk: nothing of it gets outside of the directory that was named. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { packTree } from './pack.js';
import { unpackTree } from './unpack.js';

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);

let directory: string;
let target: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-unpack-'));
  target = join(directory, 'target');
  mkdirSync(target);
  mkdirSync(join(directory, 'outside'));
  writeFileSync(join(directory, 'outside', 'canary'), 'kept');
});

afterEach(() => rmSync(directory, { recursive: true }));

interface Header { readonly name: string; readonly type?: string; readonly link?: string; readonly content?: string; readonly size?: number; readonly mode?: number }

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}

function entry({ name, type = '0', link = '', content = '', size = content.length, mode = 0o644 }: Header): Buffer {
  const header = Buffer.alloc(BLOCK);
  for (const [at, text] of [[0, name], [100, octal(mode, 7)], [124, octal(size, 11)], [136, octal(1_000_000_000, 11)], [156, type], [157, link], [257, 'ustar\x0000']] as const) header.write(text, at, 'latin1');
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** Records before an entry: "LENGTH KEY=VALUE\n" for lengths of two digits. */
function pax(records: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(records).map(([key, value]) => `${key.length + value.length + 5} ${key}=${value}\n`).join('');
  return entry({ name: 'pax', type: 'x', content: text });
}

/** In pieces of an odd size. */
async function* pieces(archive: Buffer): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < archive.length; at += 333) yield archive.subarray(at, at + 333);
}

function unpack(...blocks: Buffer[]): Promise<void> {
  return unpackTree(pieces(Buffer.concat([...blocks, END])), Buffer.from(target));
}

/** Everything that is not the target, as text. */
function outside(): string {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name !== 'target' && !name.startsWith('target/'));
  return names.sort().map((name) => `${name} ${statSync(join(directory, name)).mode.toString(8)} ${statSync(join(directory, name)).isFile() ? readFileSync(join(directory, name), 'utf8') : ''}`).join('\n');
}

test('a tree that was packed is there again', async () => {
  const from = join(directory, 'from');
  mkdirSync(join(from, 'sub', 'n'.repeat(120)), { recursive: true });
  writeFileSync(join(from, 'sub', 'n'.repeat(120), 'deep'), 'deep');
  writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0xff, 0x0a])]), Buffer.alloc(1000, 'x'), { mode: 0o751 });
  symlinkSync('../outside', join(from, 'link'));
  chmodSync(join(from, 'sub'), 0o500);
  await unpackTree(packTree(Buffer.from(from), Buffer.from('.'), assert.fail), Buffer.from(target));
  assert.equal(readFileSync(join(target, 'sub', 'n'.repeat(120), 'deep'), 'utf8'), 'deep');
  assert.equal(readlinkSync(join(target, 'link')), '../outside');
  const odd = Buffer.concat([Buffer.from(`${target}/`), Buffer.from([0xff, 0x0a])]);
  assert.deepEqual([statSync(odd).mode & 0o7777, statSync(odd).size, statSync(join(target, 'sub')).mode & 0o7777], [0o751, 1000, 0o500]);
  chmodSync(join(target, 'sub'), 0o700);
  chmodSync(join(from, 'sub'), 0o700);
});

const escapes: Readonly<Record<string, () => Buffer[]>> = {
  'a path up': () => [entry({ name: '../escaped', content: 'x' })],
  'a path down and up': () => [entry({ name: 'd/', type: '5' }), entry({ name: 'd/../../escaped', content: 'x' })],
  'an absolute path': () => [entry({ name: join(directory, 'outside/canary'), content: 'x' })],
  'an absolute path to what is there': () => [entry({ name: '/etc/hostname', content: 'x' })],
  'a link, then a file through it': () => [entry({ name: 'l', type: '2', link: '../outside' }), entry({ name: 'l/canary', content: 'x' })],
  'a link, then a directory through it': () => [entry({ name: 'l', type: '2', link: '../outside' }), entry({ name: 'l/made/', type: '5' })],
  'a link, then a link through it': () => [entry({ name: 'l', type: '2', link: '../outside' }), entry({ name: 'l/canary', type: '2', link: 'x' })],
  'a link, then the directory that it leads to': () => [entry({ name: 'l', type: '2', link: '../outside' }), entry({ name: 'l/', type: '5', mode: 0o777 })],
  'a directory, then a link in its place': () => [entry({ name: 'l/', type: '5', mode: 0o777 }), entry({ name: 'l', type: '2', link: '../outside' })],
  'a link in the records of pax': () => [pax({ path: '../escaped' }), entry({ name: 'x', content: 'x' })],
  'a link in place of the root': () => [entry({ name: '.', type: '2', link: 'outside' }), entry({ name: 'canary', content: 'x' })],
  'a file in place of the root': () => [entry({ name: '', content: 'x' })],
  'a hard link': () => [entry({ name: 'h', type: '1', link: '../outside/canary' }), entry({ name: 'h', content: 'x' })],
  'a character device': () => [entry({ name: 'null', type: '3' })],
  'a block device': () => [entry({ name: 'sda', type: '4' })],
  'a FIFO': () => [entry({ name: 'fifo', type: '6' })],
};

for (const [what, blocks] of Object.entries(escapes)) {
  test(`nothing gets out of the directory by ${what}`, async () => {
    const before = outside();
    const error: unknown = await unpack(...blocks()).catch((caught: unknown) => caught);
    assert.equal(outside(), before);
    assert.ok(lstatSync(target).isDirectory());
    for (const name of readdirSync(target)) assert.ok(!['null', 'sda', 'fifo', 'h'].includes(name), `${name} was made`);
    // An absolute path is one below the directory, whose parents nobody has made.
    assert.ok(error instanceof Error || what.includes('directory that it leads to'), `${what} was taken`);
  });
}

test('links that lie in the directory are not followed, and files of others that a link leads to stay', async () => {
  const before = outside();
  symlinkSync('../outside', join(target, 'mine'));
  symlinkSync('../outside/canary', join(target, 'file'));
  await assert.rejects(unpack(entry({ name: 'mine/canary', content: 'x' })), WardenError);
  await unpack(entry({ name: 'file', content: 'of the archive' }));
  assert.deepEqual([outside(), readFileSync(join(target, 'file'), 'utf8'), lstatSync(join(target, 'file')).isFile()], [before, 'of the archive', true]);
});

test('a directory that is named by way of a link is filled, and the link stays', async () => {
  symlinkSync('target', join(directory, 'link'));
  await unpackTree(pieces(Buffer.concat([entry({ name: './', type: '5', mode: 0o755 }), entry({ name: './f', content: 'x' }), END])), Buffer.from(join(directory, 'link')));
  assert.deepEqual([readFileSync(join(target, 'f'), 'utf8'), readlinkSync(join(directory, 'link'))], ['x', 'target']);
});

test('set-id bits stay behind', async () => {
  await unpack(entry({ name: 'f', mode: 0o6755, content: 'x' }), entry({ name: 'd/', type: '5', mode: 0o3777 }));
  assert.deepEqual(['f', 'd'].map((name) => statSync(join(target, name)).mode & 0o7777), [0o755, 0o777]);
});

test('what is no archive is refused', async () => {
  const archives: Readonly<Record<string, Buffer>> = {
    'text': Buffer.alloc(2 * BLOCK, 'x'),
    'nothing': Buffer.alloc(0),
    'a header that is cut off': entry({ name: 'f' }).subarray(0, 300),
    'content that is cut off': entry({ name: 'f', content: 'x', size: 5000 }),
    'a negative size': Buffer.concat([pax({ size: '-5' }), entry({ name: 'f', content: 'x' }), END]),
    'a size that is none': Buffer.concat([pax({ size: '1e999' }), entry({ name: 'f', content: 'x' }), END]),
    'a time that is none': Buffer.concat([pax({ mtime: 'never' }), entry({ name: 'f', content: 'x' }), END]),
    'a record that is too long': Buffer.concat([entry({ name: 'pax', type: 'x', content: '99 path=x\n' }), entry({ name: 'f' }), END]),
    'a record of length 0': Buffer.concat([entry({ name: 'pax', type: 'x', content: '0 path=x\n' }), entry({ name: 'f' }), END]),
    'records of 2 MiB': entry({ name: 'pax', type: 'x', size: 2 << 20 }),
    'a NUL in a path': Buffer.concat([pax({ path: 'a\0b' }), entry({ name: 'f', content: 'x' }), END]),
  };
  for (const [what, archive] of Object.entries(archives)) {
    await assert.rejects(unpackTree(pieces(archive), Buffer.from(target)), (error) => error instanceof WardenError && error.code === 'protocol', what);
  }
  assert.ok(!existsSync(join(target, 'a')));
});
