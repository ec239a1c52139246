import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Type, WardenError } from 'warden-protocol';
import type { V1StreamValue } from '../v1/value.js';
import { BlockingClient } from './blocking-client.js';

let server: ChildProcess;
let path: string;
let client: BlockingClient;

before(async () => {
  server = spawn(process.execPath, [fileURLToPath(new URL('../testing/server-process.js', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
  assert.ok(server.stdout);
  const [line] = await once(server.stdout, 'data') as [Buffer];
  path = line.toString().trim();
});
after(async () => {
  server.stdin?.end();
  await once(server, 'exit');
});
afterEach(() => client.close());

const isCode = (code: string, message: RegExp) => (error: unknown): boolean => error instanceof WardenError && error.code === code && message.test(error.message);

describe('BlockingClient', () => {
  it('returns what was answered', () => {
    client = BlockingClient.connect(path);
    assert.deepEqual(client.ping(), {});
    assert.deepEqual(client.echo({ message: 'ünï' }), { message: 'ünï' });
    assert.throws(() => client.processes({ handle: 'h' }), isCode('unsupported', /no handler/));
    assert.equal(client.info({ handle: 'h' }).memoryStat?.cache, 2n ** 63n);
    const { exitStatus, stdout, stderr, info } = client.run({ handle: 'h', script: 'x' });
    assert.deepEqual([exitStatus, Buffer.from(stdout).toString(), stderr.length, info?.state], [3, 'x', 100_000, 'active']);
    assert.ok(stderr.every((byte) => byte === 7));
    assert.deepEqual(client.request(Type.Echo, { message: 'a' }), { message: 'a' });
  });

  it('throws what was refused', () => {
    client = new BlockingClient(path);
    assert.throws(() => client.info({ handle: 'nobody' }), isCode('not_found', /^unknown handle$/));
    assert.throws(() => client.stop({ handle: 'h' }), isCode('unsupported', /no handler/));
    assert.throws(() => client.echo({} as never), isCode('invalid_argument', /message is missing/));
    assert.throws(() => client.ping({ signal: new AbortController().signal } as never), isCode('invalid_argument', /give it timeoutMs/));
    assert.throws(() => client.echo({ message: (() => 1) as never }), isCode('invalid_argument', /takes plain values/));
    assert.throws(() => client.link({ handle: 'h', jobId: 1 }, { timeoutMs: 20 }), isCode('timeout', /link had no answer within 20 ms/));
    assert.deepEqual(client.ping({ timeoutMs: 60_000 }), {});
  });

  it('reads output as it comes, while other calls are made', () => {
    client = new BlockingClient(path);
    const stream = client.stream({ handle: 'h', jobId: 100 });
    let at = 0;
    for (const { name, data } of stream) {
      assert.equal(name, at % 2 === 0 ? 'stdout' : 'stderr');
      assert.ok(data.length === 30_000 && data.every((byte) => byte === at));
      at++;
      client.ping();
    }
    assert.equal(at, 100);
    assert.equal(stream.result().exitStatus, 5);
    assert.equal(client.stream({ handle: 'h', jobId: 3 }).result().exitStatus, 5);
    assert.throws(() => client.stream({ handle: 'h', jobId: 0 }).result(), isCode('not_found', /no such job/));
    for (const { data } of client.stream({ handle: 'h', jobId: 1000 })) {
      assert.equal(data[0], 0);
      break;
    }
    const logs = client.logs({ handle: 'h', jobId: 1, sinceByte: 5 });
    assert.deepEqual([...logs].map(({ data, position }) => [Buffer.from(data).toString(), position]), [['abc', 5n]]);
    assert.equal(logs.result().position, 8n);
  });

  it('reads, writes, lists and copies files', () => {
    client = new BlockingClient(path);
    const local = mkdtempSync(join(tmpdir(), 'warden-blocking-'));
    try {
      const content = Buffer.alloc(700_000, 'ünï');
      assert.equal(client.files.write({ handle: 'h', path: 'a' }, content), 700_000n);
      assert.equal(client.files.write({ handle: 'h', path: 'b', mode: 0o750 }, 'text'), 4n);
      assert.ok(Buffer.from(client.files.read({ handle: 'h', path: 'a' }).bytes()).equals(content));
      assert.equal(client.files.read({ handle: 'h', path: 'a', offset: 5, length: 5 }).text(), 'ünï');
      const reading = client.files.read({ handle: 'h', path: 'a' });
      let [size, count] = [0, 0];
      for (const piece of reading) {
        size += piece.length;
        count++;
        client.ping();
      }
      assert.ok(count > 1);
      assert.deepEqual([size, reading.result().info.sizeInBytes], [700_000, 700_000n]);
      assert.deepEqual(client.files.list({ handle: 'h', path: '.' }).map(({ name, mode }) => [name, mode]), [['a', 0o644], ['b', 0o750]]);
      assert.ok(client.files.stat({ handle: 'h', path: 'b' }).modified instanceof Date);
      writeFileSync(join(local, 'file'), 'from here');
      assert.deepEqual(client.files.upload({ handle: 'h', path: 'tree' }, local), { notes: [] });
      assert.equal(client.files.read({ handle: 'h', path: 'tree/file' }).text(), 'from here');
      client.files.download({ handle: 'h', path: 'tree' }, join(local, 'back'), { timeoutMs: 60_000 });
      assert.equal(readFileSync(join(local, 'back/file'), 'utf8'), 'from here');
      const archive = client.files.tarOut({ handle: 'h', path: 'tree' });
      client.files.makeDirectory({ handle: 'h', path: 'other' });
      assert.equal(client.files.tarIn({ handle: 'h', path: 'other' }, archive.bytes()).entries, 2);
      client.files.rename({ handle: 'h', path: 'other/file', newPath: 'moved' });
      client.files.remove({ handle: 'h', path: 'other', recursive: true });
      assert.throws(() => client.files.stat({ handle: 'h', path: 'other' }), isCode('not_found', /stat file \(other\)/));
      assert.throws(() => client.files.read({ handle: 'h', path: 'none' }).text(), isCode('not_found', /read file \(none\)/));
      assert.throws(() => client.files.upload({ handle: 'h', path: 'x' }, join(local, 'none')), isCode('not_found', /ENOENT/));
    } finally {
      rmSync(local, { recursive: true });
    }
  });

  it('knows images and root file systems', () => {
    client = new BlockingClient(path);
    const { image } = client.images.pull({ reference: 'example.com/app:1' }, { timeoutMs: 60_000 });
    assert.deepEqual(image?.names, ['example.com/app:1']);
    assert.equal(client.images.import({ path: '/images/app.tar', name: 'app' }).images[0]?.names[0], 'app');
    assert.equal(client.images.list().images.length, 2);
    assert.equal(client.images.inspect({ name: 'app' }).image?.sizeBytes, 1024n);
    assert.deepEqual(client.images.remove({ name: 'app' }).untagged, ['app']);
    assert.throws(() => client.images.inspect({ name: 'app' }), isCode('not_found', /no image app/));
    client.rootfs.add({ name: 'base', path: '/srv/base' });
    assert.deepEqual(client.rootfs.list().rootfs, [{ name: 'base', path: '/srv/base' }]);
    client.rootfs.remove({ name: 'base' });
    assert.deepEqual(client.rootfs.list().rootfs, []);
  });

  it('takes v1 commands', () => {
    client = new BlockingClient(path);
    assert.equal(client.call(['ping']), 'pong');
    assert.deepEqual((client.call(['run', 'h', 'x']) as unknown[]).slice(0, 2), [3, 'x']);
    const pieces: V1StreamValue[] = [];
    assert.deepEqual(client.call(['stream', 'h', 2], { onPiece: (piece) => pieces.push(piece) }), [null, null, 5]);
    assert.deepEqual(pieces.map(([name, data, status]) => [name, data?.length ?? null, status]), [['stdout', 30_000, null], ['stderr', 30_000, null], [null, null, 5]]);
    assert.throws(() => client.call(['frob']), isCode('invalid_argument', /^Unknown command: frob$/));
    assert.throws(() => client.call(['info', 'nobody']), isCode('not_found', /unknown handle/));
  });

  it('says that there is no server', () => {
    assert.throws(() => BlockingClient.connect('/nonexistent/warden.sock'), isCode('unavailable', /no warden server at/));
    assert.throws(() => new BlockingClient({ path: '' }), isCode('invalid_argument', /a socket path has/));
  });

  it('is closed once, and then refuses', () => {
    client = new BlockingClient(path);
    client.ping();
    client.close();
    client.close();
    assert.throws(() => client.ping(), isCode('unavailable', /the client is closed/));
  });

  it('lets its program end without being closed', () => {
    const program = `import { BlockingClient } from ${JSON.stringify(new URL('./blocking-client.js', import.meta.url).href)};
      console.log(new BlockingClient(${JSON.stringify(path)}).call(['echo', 'from a script']));`;
    assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 60_000 }), 'from a script\n');
  });
});
