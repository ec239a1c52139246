/* A container's files over the connection: read, write, list, stat, make, remove, rename. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type FileRequest, WardenClient, WardenError } from 'warden-client';
import { useServer } from '../harness/fixture.js';

const server = useServer();
const MEBIBYTE = 1 << 20;

async function withContainer(work: (client: WardenClient, handle: string, run: (script: string, privileged?: boolean) => Promise<string>) => Promise<void>): Promise<void> {
  const client = await WardenClient.connect({ path: server.paths.socket });
  try {
    const { handle } = await client.create();
    const run = async (script: string, privileged = false): Promise<string> => {
      const { exitStatus, stdout, stderr } = await client.run({ handle, script, privileged });
      assert.equal(exitStatus, 0, Buffer.from(stderr).toString());
      return Buffer.from(stdout).toString();
    };
    await work(client, handle, run);
    await client.destroy({ handle });
  } finally {
    await client.close();
  }
}

async function refused(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof WardenError);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

test('a file is written, read, and belongs to vcap', async () => {
  await withContainer(async ({ files }, handle, run) => {
    assert.equal(await files.write({ handle, path: 'hello' }, 'hello, world\n'), 13n);
    assert.equal(await run('stat -c "%a %U %s" hello; cat hello'), '644 vcap 13\nhello, world\n');
    assert.equal(await files.read({ handle, path: '/home/vcap/hello' }).text(), 'hello, world\n');
    assert.equal(await files.read({ handle, path: 'hello', offset: 7, length: 5 }).text(), 'world');
    assert.equal(await files.read({ handle, path: 'hello', offset: 100 }).text(), '');
    await files.write({ handle, path: 'hello', append: true }, 'again\n');
    await files.write({ handle, path: 'hello', offset: 0 }, 'H');
    assert.equal(await run('cat hello'), 'Hello, world\nagain\n');
    await files.write({ handle, path: 'hello', mode: 0o750 }, '');
    assert.equal(await run('stat -c "%a %s" hello'), '750 0\n');
    await refused(files.write({ handle, path: 'hello', exclusive: true }, 'x'), 'exists', /write file \(hello\)/);
    await files.write({ handle, path: '/root/secret', user: 'root', mode: 0o600 }, 'secret');
    assert.equal(await run('stat -c %U /root/secret', true), 'root\n');
    await refused(files.read({ handle, path: '/root/secret' }).bytes(), 'permission', /read file \(\/root\/secret\)/);
    assert.equal(await files.read({ handle, path: 'secret', user: 'root' }).text(), 'secret');
  });
});

test('a program can be executed as soon as it is written', async () => {
  await withContainer(async (client, handle) => {
    // Whoever wrote it may be caught with it still open only now and then.
    for (let round = 0; round < 150; round++) {
      await client.files.write({ handle, path: `program-${round}`, mode: 0o755 }, '#!/bin/sh\nexit 7\n');
      assert.equal((await client.run({ handle, args: [`./program-${round}`] })).exitStatus, 7);
    }
  });
});

test('64 MiB in pieces come back as they were, from any byte', async () => {
  await withContainer(async ({ files }, handle, run) => {
    const [written, read] = [createHash('sha256'), createHash('sha256')];
    // The next piece is made in the memory of the one before, as many sources do.
    const memory = Buffer.alloc(MEBIBYTE + 1);
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 64; count++) {
        const piece = memory.fill(0).subarray(0, MEBIBYTE + (count % 3) - 1);
        for (let at = 0; at + 4 <= piece.length; at += 4) piece.writeUInt32LE((count * 7919 + at * 31) >>> 0, at);
        written.update(piece);
        yield piece;
      }
    }
    const size = await files.write({ handle, path: 'large' }, content());
    const stream = files.read({ handle, path: 'large' });
    for await (const piece of stream) read.update(piece);
    const sum = written.digest('hex');
    assert.equal(read.digest('hex'), sum);
    assert.equal((await stream.result()).info.sizeInBytes, size);
    assert.equal((await run('sha256sum large')).slice(0, 64), sum);
  });
});

test('names of any bytes, kinds, links and numbers are told as they are', async () => {
  await withContainer(async ({ files }, handle, run) => {
    await run('mkdir d; cd d; echo 12345 > file; chmod 640 file; ln file other; ln -s /etc/hosts link; mkfifo fifo; mkdir sub; touch -d @1234567890.5 $\'\\377\\n\'');
    const path = 'd';
    const listed = await files.list({ handle, path });
    assert.deepEqual(listed.map(({ kind }) => kind), ['other', 'file', 'link', 'file', 'directory', 'file']);
    assert.deepEqual(listed.map(({ nameBytes }) => Buffer.from(nameBytes).toString('latin1')), ['fifo', 'file', 'link', 'other', 'sub', '\xff\n']);
    const [, file, link, , , odd] = listed;
    assert.deepEqual([file?.mode, file?.sizeInBytes, file?.hardLinks, file?.uid], [0o640, 6n, 2, Number(await run('id -u'))]);
    assert.equal(link?.target, '/etc/hosts');
    assert.equal(odd?.modifiedNs, 1_234_567_890_500_000_000n);
    assert.deepEqual((await files.list({ handle, path, limit: 2 })).length, 2);
    assert.deepEqual(await files.list({ handle, path: 'd/sub' }), []);
    const odder: FileRequest = { handle, path: Buffer.concat([Buffer.from('d/'), odd?.nameBytes ?? Buffer.alloc(0)]) };
    await files.write(odder, 'x');
    assert.equal(await files.read(odder).text(), 'x');
    assert.equal((await files.stat({ handle, path: 'd/link' })).kind, 'file');
    assert.equal((await files.stat({ handle, path: 'd/link', noFollow: true })).kind, 'link');
    await refused(files.read({ handle, path: 'd/fifo' }).bytes(), 'invalid_argument', /fifo/);
    await refused(files.write({ handle, path: 'd/fifo' }, 'x'), 'invalid_argument', /fifo/);
    await refused(files.read({ handle, path: '/dev/zero' }).bytes(), 'invalid_argument', /\/dev\/zero/);
    await refused(files.read({ handle, path: 'd' }).bytes(), 'invalid_argument', /it is a directory/);
  });
});

test('a directory of 20,000 names is listed whole', async () => {
  await withContainer(async ({ files }, handle, run) => {
    await run('mkdir many; cd many; seq 20000 | xargs touch');
    assert.equal(new Set((await files.list({ handle, path: 'many' })).map(({ name }) => name)).size, 20_000);
    await files.remove({ handle, path: 'many', recursive: true });
    assert.equal(await run('ls'), '');
  });
});

test('directories are made, names changed, files removed', async () => {
  await withContainer(async ({ files }, handle, run) => {
    await files.makeDirectory({ handle, path: 'one', mode: 0o700 });
    await refused(files.makeDirectory({ handle, path: 'one' }), 'exists', /make directory \(one\)/);
    await refused(files.makeDirectory({ handle, path: 'two/three' }), 'not_found', /two\/three/);
    await files.makeDirectory({ handle, path: 'two/./three//four/', parents: true });
    await files.makeDirectory({ handle, path: 'two/three/four', parents: true });
    assert.equal(await run('stat -c "%a %U" one two two/three two/three/four'), '700 vcap\n755 vcap\n755 vcap\n755 vcap\n');
    await files.write({ handle, path: 'one/a' }, 'a');
    await files.write({ handle, path: 'two/b' }, 'b');
    await refused(files.rename({ handle, path: 'one/a', newPath: 'two/b', exclusive: true }), 'exists', /one\/a to two\/b/);
    await files.rename({ handle, path: 'one/a', newPath: 'two/b' });
    assert.equal(await run('cat two/b'), 'a');
    await refused(files.remove({ handle, path: 'two' }), 'wrong_state', /not empty/);
    await refused(files.remove({ handle, path: 'none' }), 'not_found', /remove file \(none\)/);
    await files.remove({ handle, path: 'none/of/it', force: true });
    await run('ln -s two link; ln -s /nowhere dangling');
    await files.remove({ handle, path: 'link', recursive: true });
    await files.remove({ handle, path: 'dangling' });
    await files.remove({ handle, path: 'one' });
    assert.equal(await run('ls; ls two'), 'two\nb\nthree\n');
    await files.remove({ handle, path: 'two', recursive: true });
    assert.equal(await run('ls'), '');
    for (const path of ['/', '..', 'x/..', '.']) await refused(files.remove({ handle, path, recursive: true, user: 'root' }), 'invalid_argument', /not the name of something/);
  });
});

test('whose rights count is looked up in the container', async () => {
  await withContainer(async ({ files }, handle, run) => {
    await run('echo "someone:x:4321:4322::/home/someone:/bin/sh" >> /etc/passwd; mkdir /home/someone; chown 4321:4322 /home/someone', true);
    await files.write({ handle, path: 'mine', user: 'someone' }, 'x');
    assert.equal(await run('stat -c "%u %g" /home/someone/mine'), '4321 4322\n');
    await files.write({ handle, path: '/tmp/other', user: '77:78' }, 'x');
    assert.equal(await run('stat -c "%u %g" /tmp/other'), '77 78\n');
    await refused(files.stat({ handle, path: '/', user: 'nobody-of-that-name' }), 'not_found', /find user/);
    await refused(files.stat({ handle, path: '/', user: 'a:b' }), 'invalid_argument', /user is a name/);
    await refused(files.stat({ handle, path: '/', user: '0' }), 'permission', /root/);
  });
});

test('paths lead nowhere else', async () => {
  await withContainer(async ({ files }, handle, run) => {
    await run('ln -s /../../../../../../etc/hostname up; ln -s / root');
    const own = await run('cat /etc/hostname 2>/dev/null || true');
    for (const path of ['up', 'root/etc/hostname', '../../../../../../../../../etc/hostname']) {
      const read = await files.read({ handle, path }).text().catch((error: unknown) => (error instanceof WardenError && error.code === 'not_found' ? '' : Promise.reject(error)));
      assert.equal(read, own);
    }
    await assert.rejects(files.read({ handle, path: '/proc/1/root/etc/passwd', user: 'root' }).bytes(), WardenError);
    await refused(files.stat({ handle, path: '' }), 'invalid_argument', /path is empty/);
    await refused(files.stat({ handle, path: 'a\0b' }), 'invalid_argument', /NUL/);
    await refused(files.stat({ handle, path: 'a'.repeat(5000) }), 'invalid_argument', /limit is 4095/);
    await refused(files.stat({ handle, path: 'a'.repeat(300) }), 'invalid_argument', /too long/);
  });
});

test('a stopped container has its files, a destroyed one has none', async () => {
  const client = await WardenClient.connect({ path: server.paths.socket });
  const { handle } = await client.create();
  await client.files.write({ handle, path: 'kept' }, 'kept');
  await client.stop({ handle });
  assert.equal(await client.files.read({ handle, path: 'kept' }).text(), 'kept');
  await client.destroy({ handle });
  await refused(client.files.read({ handle, path: 'kept' }).bytes(), 'not_found', /unknown handle/);
  await client.close();
});

test('a transfer that is broken off leaves nothing under way', async () => {
  await withContainer(async (client, handle, run) => {
    await run('head -c 50000000 /dev/zero > large');
    const other = await WardenClient.connect({ path: server.paths.socket });
    for await (const _ of other.files.read({ handle, path: 'large' })) break;
    const abort = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield Buffer.alloc(MEBIBYTE);
        abort.abort();
      }
    }
    await refused(other.files.write({ handle, path: 'part' }, endless(), { signal: abort.signal }), 'canceled', /./);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('begun');
      throw new Error('no more to be had');
    }
    await assert.rejects(other.files.write({ handle, path: 'begun' }, broken()), /no more to be had/);
    // Who gives it up does not wait until the container's side has written what it was sent.
    await server.untilFilesAreLeft();
    assert.equal(await run('cat begun'), 'begun');
    await other.close();
    await client.ping();
  });
});

test('a container can be destroyed while a file is read', async () => {
  const [client, other] = [await WardenClient.connect({ path: server.paths.socket }), await WardenClient.connect({ path: server.paths.socket })];
  const { handle } = await client.create();
  const { exitStatus } = await client.run({ handle, script: 'head -c 100000000 /dev/zero > large' });
  assert.equal(exitStatus, 0);
  await refused((async () => {
    for await (const _ of other.files.read({ handle, path: 'large' })) await client.destroy({ handle }).catch(() => undefined);
  })(), 'canceled', /destroyed meanwhile/);
  await client.close();
  await other.close();
});
