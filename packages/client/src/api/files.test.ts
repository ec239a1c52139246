// Files of a box, against the mock server: what a program gets, on which connections, and what it does to the local disk.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type ErrorCode, Type, WardenError } from 'warden-protocol';
import { type Box, Warden } from '../index.js';
import { tarHeader, TAR_END } from '../tar/header.js';
import { MockServer } from '../testing/mock-server.js';

let server: MockServer;
let warden: Warden;
let box: Box;
let local: string;

beforeEach(async () => {
  server = await MockServer.listen();
  warden = new Warden(server.path);
  box = await warden.create({ handle: 'h' });
  local = mkdtempSync(join(tmpdir(), 'warden-box-files-'));
});

afterEach(async () => {
  await box.destroy();
  await warden.close();
  await server[Symbol.asyncDispose]();
  rmSync(local, { recursive: true, force: true });
});

function rejectsWith(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => error instanceof WardenError && error.code === code && message.test(error.message));
}

describe('box.files', () => {
  it('reads and writes text, bytes and what comes in pieces', async () => {
    assert.equal(await box.files.write('hello', 'ünï\n'), 6n);
    assert.equal(await box.files.read('/home/vcap/hello').text(), 'ünï\n');
    assert.equal(await box.files.read('hello', { offset: 2, length: 1 }).text(), 'n');
    await box.files.write('hello', 'more', { append: true });
    await box.files.write('hello', 'U', { offset: 0 });
    await rejectsWith(box.files.write('hello', 'x', { exclusive: true }), 'exists', /write file \(hello\)/);
    await box.files.write('program', '#!/bin/sh\n', { mode: 0o755, user: 'root' });
    assert.equal((await box.files.stat('/root/program', { user: 'root' })).mode, 0o755);
    async function* parts(): AsyncGenerator<Uint8Array | string> {
      yield 'begin ';
      for (let part = 0; part < 5; part++) yield Buffer.alloc(300_000, part);
    }
    assert.equal(await box.files.write('large', parts()), 1_500_006n);
    const bytes = await box.files.read('large').bytes();
    assert.deepEqual([bytes.length, bytes[6], bytes.at(-1)], [1_500_006, 0, 4]);
    assert.ok(Buffer.from(server.containers.get('h')?.files.read('/home/vcap/large') ?? []).equals(Buffer.from(bytes)));
  });

  it('lists, makes, removes, renames, and says what is there', async () => {
    await box.files.makeDirectory('a/b', { parents: true });
    await rejectsWith(box.files.makeDirectory('a'), 'exists', /make directory/);
    await box.files.write('a/file', 'x');
    assert.deepEqual((await box.files.list('a')).map(({ name, kind }) => [name, kind]), [['b', 'directory'], ['file', 'file']]);
    assert.deepEqual((await box.files.list()).map(({ name }) => name), ['a']);
    assert.deepEqual([await box.files.exists('a/file'), await box.files.exists('a/none'), await box.files.exists('none/none')], [true, false, false]);
    await box.files.rename('a/file', 'moved');
    await rejectsWith(box.files.remove('a'), 'wrong_state', /not empty/);
    await box.files.remove('a', { recursive: true });
    await box.files.remove('a', { force: true });
    await rejectsWith(box.files.remove('a'), 'not_found', /remove file \(a\)/);
    assert.deepEqual((await box.files.list()).map(({ name }) => name), ['moved']);
    await rejectsWith((await warden.get('h')).files.list('/none'), 'not_found', /list files \(\/none\)/);
  });

  it('does not take an unknown box for a file that is not there', async () => {
    const again = await warden.get('h');
    await warden.client.destroy({ handle: 'h' });
    await rejectsWith(again.files.exists('x'), 'not_found', /^unknown handle$/);
    await again[Symbol.asyncDispose]();
    box = await warden.create({ handle: 'h' });
  });

  it('brings trees up and down, with modes, times, links and names of any bytes', async () => {
    const from = join(local, 'from');
    mkdirSync(join(from, 'd'.repeat(120)), { recursive: true });
    writeFileSync(join(from, 'd'.repeat(120), 'file'), Buffer.alloc(600_000, 'y'));
    writeFileSync(join(from, 'program'), 'x');
    chmodSync(join(from, 'program'), 0o750);
    utimesSync(join(from, 'program'), 1_234_567_890, 1_234_567_890);
    symlinkSync('/nowhere', join(from, 'link'));
    writeFileSync(Buffer.concat([Buffer.from(from), Buffer.from('/\xff\n', 'latin1')]), 'odd');
    assert.deepEqual(await box.files.upload(from, 'tree'), { notes: [] });
    assert.deepEqual((await box.files.stat('tree/program')).mode, 0o750);
    assert.equal((await box.files.stat('tree/link', { noFollow: true })).target, '/nowhere');
    await box.files.upload(`${from}/`, 'tree');
    symlinkSync('from', join(local, 'by-a-link'));
    await box.files.upload(join(local, 'by-a-link'), 'linked');
    assert.deepEqual((await box.files.list('linked')).map(({ name }) => name), (await box.files.list('tree')).map(({ name }) => name));
    assert.deepEqual(await box.files.download('tree', join(local, 'to')), { notes: [] });
    assert.deepEqual(readdirSync(join(local, 'to'), { encoding: 'buffer' }), readdirSync(from, { encoding: 'buffer' }));
    assert.equal(readFileSync(join(local, 'to', 'd'.repeat(120), 'file'), 'utf8'), 'y'.repeat(600_000));
    assert.equal(readlinkSync(join(local, 'to/link')), '/nowhere');
    assert.deepEqual([statSync(join(local, 'to/program')).mode & 0o7777, statSync(join(local, 'to/program')).mtimeMs], [0o750, 1_234_567_890_000]);
    await box.files.upload(join(from, 'program'), 'one');
    await box.files.download('one', join(local, 'one'));
    assert.deepEqual([readFileSync(join(local, 'one'), 'utf8'), statSync(join(local, 'one')).mode & 0o777], ['x', 0o750]);
    const archive = box.files.tarOut('tree', { name: 'renamed' });
    const result = await box.files.tarIn('/tmp', archive);
    assert.equal(result.entries, (await archive.result()).entries);
    assert.equal(await box.files.read('/tmp/renamed/program').text(), 'x');
  });

  it('writes to a device or a FIFO that is there, and does not replace it', async () => {
    const fifo = join(local, 'fifo');
    execFileSync('mkfifo', [fifo]);
    await box.files.write('file', 'x');
    const [read] = await Promise.all([readFile(fifo, 'utf8'), box.files.download('file', fifo)]);
    assert.deepEqual([read, lstatSync(fifo).isFIFO(), readdirSync(local)], ['x', true, ['fifo']]);
  });

  it('leaves nothing half-done on the local disk, and tells its errors as any others', async () => {
    await rejectsWith(box.files.upload(join(local, 'none'), 'x'), 'not_found', /ENOENT/);
    await rejectsWith(box.files.upload('/dev/null', 'x'), 'invalid_argument', /is no file or directory/);
    await rejectsWith(box.files.download('none', join(local, 'x')), 'not_found', /stat file \(none\)/);
    await box.files.write('file', 'x');
    await rejectsWith(box.files.download('file', join(local, 'none/file')), 'not_found', /ENOENT/);
    mkdirSync(join(local, 'directory/file'), { recursive: true });
    await box.files.makeDirectory('tree');
    await box.files.write('tree/file', 'x');
    await rejectsWith(box.files.download('tree', join(local, 'directory')), 'exists', /is a directory/);
    assert.deepEqual(readdirSync(local), ['directory']);
    const controller = new AbortController();
    controller.abort();
    await rejectsWith(box.files.download('tree', join(local, 'x'), { signal: controller.signal }), 'canceled', /canceled/);
    assert.equal(existsSync(join(local, 'x')), false);
    assert.equal(await box.files.read('file').text(), 'x', 'other calls go on');
  });

  it('lets nothing out of the directory it was told, whatever a container sends', async () => {
    const hostile = (name: string, type: '0' | '2', target?: string): Uint8Array => tarHeader({ name: Buffer.from(name), type, target: target === undefined ? undefined : Buffer.from(target), sizeInBytes: 0n, mode: 0o644, uid: 0n, gid: 0n, modifiedNs: 0n });
    const archives = [Buffer.concat([hostile('../out', '0'), TAR_END]), Buffer.concat([hostile('link', '2', local), hostile('link/out', '0'), TAR_END]), Buffer.alloc(512, 'x')];
    for (const [index, archive] of archives.entries()) {
      const hostileServer = await MockServer.listen({ handlers: {
        [Type.StatFile]: () => ({ entry: { kind: 'directory', mode: 0o755, uid: 0, gid: 0, sizeInBytes: 0n, modifiedNs: 0n, hardLinks: 1 } }),
        [Type.TarOut]: async function* () {
          yield { data: archive };
          // What is not read any more must not keep anybody waiting.
          await new Promise(() => undefined);
        },
      } });
      const other = new Warden(hostileServer.path);
      const hostileBox = await other.create();
      await rejectsWith(hostileBox.files.download('x', join(local, `to-${index}`)), 'protocol', /the archive is damaged/);
      assert.equal(existsSync(join(local, 'out')), false);
      await hostileBox.release()[Symbol.asyncDispose]();
      await other.close();
      await hostileServer[Symbol.asyncDispose]();
    }
    assert.equal(lstatSync(local).isDirectory(), true);
  });

  it('reads many files at once, and gives connections back', async () => {
    for (let number = 0; number < 12; number++) await box.files.write(`f${number}`, Buffer.alloc(400_000, number));
    const all = await Promise.all(Array.from({ length: 12 }, (_, number) => box.files.read(`f${number}`).bytes()));
    assert.ok(all.every((bytes, number) => bytes.length === 400_000 && bytes[0] === number));
    // The first connection, the idle ones, and that of the program itself.
    while (server.open > 6) await new Promise(setImmediate);
    for await (const piece of box.files.read('f1')) {
      assert.equal(piece[0], 1);
      break;
    }
    assert.equal((await box.files.read('f2').bytes())[0], 2);
  });
});
