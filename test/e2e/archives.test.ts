/* Tar archives into and out of a container, with tar of the host as the other side. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient, WardenError } from 'warden-client';
import { useServer } from '../harness/fixture.js';
import { END, entry, pax } from '../harness/tar-blocks.js';

const server = useServer();

interface Scene {
  readonly client: WardenClient;
  readonly handle: string;
  readonly directory: string;
  run(script: string, privileged?: boolean): Promise<string>;
  tarIn(archive: Buffer, user?: string): ReturnType<WardenClient['files']['tarIn']>;
}

async function withContainer(work: (scene: Scene) => Promise<void>): Promise<void> {
  const client = await WardenClient.connect({ path: server.paths.socket });
  const directory = mkdtempSync(join(tmpdir(), 'warden-archives-'));
  try {
    const { handle } = await client.create();
    const run = async (script: string, privileged = false): Promise<string> => {
      const { exitStatus, stdout, stderr } = await client.run({ handle, script, privileged });
      assert.equal(exitStatus, 0, Buffer.from(stderr).toString());
      return Buffer.from(stdout).toString();
    };
    await run('mkdir /home/vcap/in');
    await work({ client, handle, directory, run, tarIn: (archive, user) => client.files.tarIn({ handle, path: '/home/vcap/in', user }, archive) });
    await client.destroy({ handle });
  } finally {
    rmSync(directory, { recursive: true });
    await client.close();
  }
}

test('a tree goes in, and comes out the same', async () => {
  await withContainer(async ({ client, handle, directory, run }) => {
    const from = join(directory, 'from');
    const long = `${'d'.repeat(120)}/${'e'.repeat(130)}`;
    mkdirSync(join(from, 'sub', long), { recursive: true });
    writeFileSync(join(from, 'sub', long, 'deep'), 'deep');
    writeFileSync(join(from, 'large'), Buffer.alloc(3_000_001, 'x'));
    writeFileSync(join(from, 'empty'), '');
    writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0xff, 0x0a, 0x22])]), 'odd');
    writeFileSync(join(from, 'program'), '#!/bin/sh\n', { mode: 0o751 });
    symlinkSync('/nowhere/' + 'n'.repeat(150), join(from, 'link'));
    execFileSync('ln', [join(from, 'large'), join(from, 'sub', 'same')]);
    for (const format of ['gnu', 'posix', 'ustar']) {
      const excluded = format === 'ustar' ? ['--exclude=link', '--exclude=sub/*'] : [];
      const archive = execFileSync('tar', ['-C', from, '-c', `--format=${format}`, ...excluded, '.'], { maxBuffer: 1 << 26 });
      await run(`mkdir ${format}`);
      const { entries, notes } = await client.files.tarIn({ handle, path: format }, archive);
      assert.deepEqual(notes, []);
      assert.ok(entries >= 5);
      assert.equal(await run(`stat -c "%a %s %U %Y" ${format}/program`), `751 10 vcap ${Math.floor(statSync(join(from, 'program')).mtimeMs / 1000)}\n`);
    }
    const to = join(directory, 'to');
    mkdirSync(to);
    const stream = client.files.tarOut({ handle, path: 'posix' });
    writeFileSync(join(directory, 'archive'), await stream.bytes());
    assert.deepEqual((await stream.result()).notes, []);
    execFileSync('tar', ['-C', to, '-xf', join(directory, 'archive')]);
    execFileSync('diff', ['-r', '--no-dereference', from, to]);
    assert.equal(readlinkSync(join(to, 'link')), readlinkSync(join(from, 'link')));
    assert.equal(statSync(join(to, 'program')).mode & 0o7777, 0o751);
    assert.equal(statSync(join(to, 'program')).mtimeMs, statSync(join(from, 'program')).mtimeMs);
    const one = await client.files.tarOut({ handle, path: 'posix/program', name: 'renamed' }).bytes();
    assert.equal(execFileSync('tar', ['-tf', '-'], { input: one, encoding: 'utf8' }), 'renamed\n');
  });
});

test('sparse files stay sparse in every form that tar writes them in', async () => {
  await withContainer(async ({ client, handle, directory, run }) => {
    const file = join(directory, 'sparse');
    writeFileSync(file, '');
    execFileSync('sh', ['-c', 'for at in 1 3 5 7 9 11 13; do printf "at $at" | dd of="$0" bs=1M seek=$at conv=notrunc status=none; done; truncate -s 64M "$0"', file]);
    const sum = execFileSync('sh', ['-c', 'sha256sum < "$0"', file], { encoding: 'utf8' });
    for (const format of ['--format=gnu', '--format=posix --sparse-version=0.0', '--format=posix --sparse-version=0.1', '--format=posix --sparse-version=1.0']) {
      const archive = execFileSync('tar', ['-C', directory, '-cS', ...format.split(' '), 'sparse']);
      assert.ok(archive.length < 1 << 20, `${format}: tar wrote the holes`);
      assert.deepEqual((await client.files.tarIn({ handle, path: 'in' }, archive)).notes, []);
      assert.equal(await run('sha256sum < in/sparse'), sum, format);
      assert.ok(Number(await run('stat -c %b in/sparse')) < 2048, `${format}: the holes take room`);
    }
  });
});

test('owners and set-id bits are dropped unless they are asked for', async () => {
  await withContainer(async ({ client, handle, run, tarIn }) => {
    const archive = Buffer.concat([entry({ name: 'd/', type: '5', mode: 0o2755, uid: 77 }), entry({ name: 'd/f', mode: 0o4755, uid: 77, content: 'x' }), END]);
    await tarIn(archive);
    assert.equal(await run('stat -c "%a %U" in/d in/d/f'), '755 vcap\n755 vcap\n');
    await run('rm -r in/d');
    await client.files.tarIn({ handle, path: '/home/vcap/in', user: 'root', keepOwner: true, keepSetid: true }, archive);
    assert.equal(await run('stat -c "%a %u" in/d in/d/f'), '2755 77\n4755 77\n');
    await assert.rejects(client.files.tarIn({ handle, path: 'in', keepOwner: true }, archive), (error) => error instanceof WardenError && error.code === 'permission');
    const listing = async (keepSetid: boolean): Promise<string> => execFileSync('tar', ['-tvf', '-'], { input: await client.files.tarOut({ handle, path: 'in/d', keepSetid }).bytes(), encoding: 'utf8' });
    assert.match(await listing(false), /^drwxr-xr-x 77\/77 .*\n-rwxr-xr-x /);
    assert.match(await listing(true), /^drwxr-sr-x 77\/77 .*\n-rwsr-xr-x /);
  });
});

test('a directory that nobody may write to is filled, and what is there is replaced by a rename', async () => {
  await withContainer(async ({ run, tarIn }) => {
    await run('echo old > in/f; ln in/f in/other; mkdir in/kept; echo kept > in/kept/file');
    await tarIn(Buffer.concat([entry({ name: './closed/', type: '5', mode: 0o555 }), entry({ name: 'closed/f', content: 'x' }), entry({ name: 'f', content: 'new' }), entry({ name: 'kept', content: 'no' }), END]));
    assert.equal(await run('stat -c %a in/closed; cat in/closed/f in/f in/other in/kept/file; chmod 755 in/closed'), '555\nxnewold\nkept\n');
  });
});

/** Archives that want more than they may. */
const outside = (run: Scene['run']): Promise<string> => run('cd /; find . -xdev -path ./proc -prune -o -newer /tmp/mark -not -path "./home/vcap/in*" -not -path "./tmp" -type f -print; cat /etc/passwd | sha256sum; ls -A /home/vcap', true);

test('a hostile archive changes nothing outside of its directory', async () => {
  await withContainer(async ({ client, handle, run, tarIn }) => {
    await run('touch /tmp/mark; echo secret > secret; chmod 600 secret');
    const before = await outside(run);
    const archives: Record<string, Buffer> = {
      'parent': entry({ name: '../escaped', content: 'x' }),
      'parent within': entry({ name: 'a/../../escaped', content: 'x' }),
      'absolute': entry({ name: '/etc/passwd', content: 'x' }),
      'link out, then through it': Buffer.concat([entry({ name: 'l', type: '2', target: '/home/vcap' }), entry({ name: 'l/escaped', content: 'x' })]),
      'link up, then through it': Buffer.concat([entry({ name: 'up', type: '2', target: '..' }), entry({ name: 'up/escaped', content: 'x' })]),
      'link to a file, then over it': Buffer.concat([entry({ name: 'p', type: '2', target: '/etc/passwd' }), entry({ name: 'p', content: 'x' })]),
      'hard link out': Buffer.concat([entry({ name: 'h', type: '1', target: '../secret' }), entry({ name: 'h', content: 'x' })]),
      'hard link to an absolute path': entry({ name: 'h2', type: '1', target: '/etc/passwd' }),
      'hard link over a link': Buffer.concat([entry({ name: 's', type: '2', target: '/home/vcap' }), entry({ name: 'h3', type: '1', target: 's/secret' })]),
      'device': entry({ name: 'null', type: '3' }),
      'fifo': entry({ name: 'fifo', type: '6' }),
      'long name of pax': Buffer.concat([pax({ path: '../escaped' }), entry({ name: 'x', content: 'x' })]),
      'long name of GNU': Buffer.concat([entry({ name: '././@LongLink', type: 'L', content: '../../escaped\0' }), entry({ name: 'x', content: 'x' })]),
      'sparse of 2^62': Buffer.concat([pax({ 'GNU.sparse.map': '0,1', 'GNU.sparse.realsize': String(2n ** 62n) }), entry({ name: 'sparse', content: 'x' })]),
      'sparse, with a segment behind its end': Buffer.concat([pax({ 'GNU.sparse.map': '9,1', 'GNU.sparse.realsize': '5' }), entry({ name: 'sparse', content: 'x' })]),
      'sparse under another name': Buffer.concat([pax({ 'GNU.sparse.map': '0,1', 'GNU.sparse.realsize': '1', 'GNU.sparse.name': '../escaped' }), entry({ name: 'sparse', content: 'x' })]),
    };
    /** What the file system cannot have, what is no archive, and a link to what is not there. */
    const expected = (error: unknown): boolean => error instanceof WardenError && ['not_found', 'invalid_argument', 'exhausted'].includes(error.code);
    for (const [name, archive] of Object.entries(archives)) {
      await run('rm -rf in/*').catch(() => undefined);
      await tarIn(Buffer.concat([archive, END])).catch((error: unknown) => assert.ok(expected(error), `${name}: ${String(error)}`));
      await client.files.tarIn({ handle, path: '/home/vcap/in', user: 'root' }, Buffer.concat([archive, END])).catch((error: unknown) => assert.ok(expected(error), `${name}: ${String(error)}`));
      assert.equal(await outside(run), before, name);
    }
    assert.equal(await run('cat secret'), 'secret\n');
  });
});

test('what is no archive is refused, and nothing hangs', async () => {
  await withContainer(async ({ client, tarIn, run }) => {
    const base256 = (value: bigint): Buffer => {
      const field = Buffer.alloc(12);
      field.writeBigUInt64BE(value, 4);
      field[0] = 0x80;
      return field;
    };
    const archives: Record<string, Buffer> = {
      'text': Buffer.alloc(1024, 'x'),
      'wrong checksum': entry({ name: 'a', checksum: '0000000\0' }),
      'checksum that is no number': entry({ name: 'a', checksum: 'zzzzzzzz' }),
      'cut header': entry({ name: 'a' }).subarray(0, 300),
      'cut content': entry({ name: 'a', content: 'x', size: 5000 }),
      'size of 2^62': entry({ name: 'a', size: base256(2n ** 62n) }),
      'size of 2^64 - 1': entry({ name: 'a', size: base256(2n ** 64n - 1n) }),
      'negative size': entry({ name: 'a', size: Buffer.alloc(12, 0xff) }),
      'size that is no number': entry({ name: 'a', size: Buffer.from('12x45678901\0') }),
      'records without an end': entry({ name: 'p', type: 'x', content: '9999 path=x\n' }),
      'a record of length 0': entry({ name: 'p', type: 'x', content: '0 path=x\n' }),
      'a record without a value': entry({ name: 'p', type: 'x', content: '8 path\n\n' }),
      'records of 2 MiB': entry({ name: 'p', type: 'x', size: 2 << 20 }),
      'a pax path of 5000 bytes': Buffer.concat([pax({ path: 'p'.repeat(5000) }), entry({ name: 'a' })]),
      'a name of 300 bytes': Buffer.concat([pax({ path: 'p'.repeat(300) }), entry({ name: 'a' }), END]),
    };
    for (const [name, archive] of Object.entries(archives)) {
      const result = await tarIn(archive).catch((error: unknown) => error);
      if (name === 'a name of 300 bytes') continue;
      assert.ok(result instanceof WardenError && result.code === 'invalid_argument', `${name}: ${String(result)}`);
    }
    assert.equal(await run('ls -A in'), '');
    const { entries } = await tarIn(Buffer.concat([entry({ name: 'whole', content: 'x' }), END, Buffer.alloc(100_000, 'behind')]));
    assert.equal(entries, 1);
    await client.ping();
  });
});
