import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { type FakeHandlers, FakeServer } from 'warden-client/testing';
import { main } from '../main.js';

const id = `sha256:${'0123456789abcdef'.repeat(4)}`;
const image = { id, names: ['h.example/app:1', 'mine:latest'], sizeBytes: 3_500_000n, createdMs: 1_700_000_000_000n, layers: [{ diffId: id, sizeBytes: 3_500_000n }], containers: 2 };

let server: FakeServer;
let home: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'warden-image-'));
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths: { 'h.example': { auth: Buffer.from('alice:secret').toString('base64') } } }));
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

async function warden(handlers: FakeHandlers, argv: readonly string[], isTerminal = false) {
  server = await FakeServer.listen(handlers);
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), isTerminal ? { isTTY: true, columns: 100 } : {});
  const status = await main(argv, { stdin: Readable.from([]), stdout, stderr }, { WARDEN_SOCKET: server.path, HOME: home });
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  const requests = server.requests.map(({ request }) => request);
  return { status, stdout: text(stdout), stderr: text(stderr), requests };
}

const pulling: FakeHandlers = {
  [Type.ImagePull]: ({ progress }) => (async function* () {
    if (progress === true) {
      yield { progress: { item: 'h.example/app:1', step: 'resolving' } };
      yield { progress: { item: 'a', step: 'present', doneBytes: 10n, totalBytes: 10n, layers: 2 } };
      yield { progress: { item: 'b', step: 'downloading', doneBytes: 1_048_576n, totalBytes: 2_097_152n, layers: 2 } };
      yield { progress: { item: 'b', step: 'extracting', doneBytes: 1n, totalBytes: 2n, layers: 2 } };
      yield { progress: { item: 'b', step: 'done', doneBytes: 2_097_152n, totalBytes: 2_097_152n, layers: 2 } };
    }
    yield { image, manifestDigest: id };
  })(),
};

describe('image pull', () => {
  it('sends what docker knows of the registry, and prints the image', async () => {
    const { status, stdout, stderr, requests } = await warden(pulling, ['image', 'pull', 'h.example/app:1', '--platform=linux/arm64']);
    assert.deepEqual([status, stdout], [0, `h.example/app:1 mine:latest  ${id}\n`]);
    assert.deepEqual(requests, [{ reference: 'h.example/app:1', auth: { username: 'alice', password: 'secret' }, platform: 'linux/arm64', progress: true }]);
    assert.equal(stderr, ' 50 %  1 of 2 layers, 0.0 MiB, present\n100 %  2 of 2 layers, 1.0 MiB, done\n');
  });

  it('draws a bar on a terminal, and takes it away', async () => {
    const { stderr } = await warden(pulling, ['image', 'pull', 'h.example/app:1'], true);
    assert.match(stderr, /\[\.{24}\] {3}0 % {2}looking up h\.example\/app:1/);
    assert.match(stderr, /68 % {2}1 of 2 layers, 1\.0 MiB, downloading/);
    assert.match(stderr, /93 % {2}1 of 2 layers, 1\.0 MiB, extracting/);
    assert.ok(stderr.endsWith('\r\u001b[K'));
  });

  it('prints JSON, or one sentence', async () => {
    const { stdout } = await warden(pulling, ['image', 'pull', 'x/y', '-o', 'json']);
    assert.deepEqual(JSON.parse(stdout), { image: { id, names: image.names, size_bytes: 3_500_000, created_ms: 1_700_000_000_000, layers: [{ diff_id: id, size_bytes: 3_500_000 }], containers: 2 }, manifest_digest: id });
    await server[Symbol.asyncDispose]();
    const failed = await warden({ [Type.ImagePull]: () => { throw new WardenError('not_found', 'no\nsuch \x1b image'); } }, ['image', 'pull', 'h.example/none']);
    assert.deepEqual([failed.status, failed.stdout, failed.stderr], [1, '', 'no; such \\x1b image\n']);
  });
});

describe('the other verbs', () => {
  it('list and inspect', async () => {
    const { stdout } = await warden({ [Type.ImageList]: () => ({ images: [image, { id, names: [], layers: [] }] }) }, ['image', 'ls']);
    assert.equal(stdout, `NAME             ID            CREATED        SIZE  CONTAINERS
h.example/app:1  0123456789ab  2023-11-14  3.3 MiB           2
mine:latest      0123456789ab  2023-11-14  3.3 MiB           2
-                0123456789ab  -               0 B           0
`);
    await server[Symbol.asyncDispose]();
    const inspected = await warden({ [Type.ImageInspect]: () => ({ image, config: '{"config":{"WorkingDir":"/x"}}', source: '/srv/a.tar' }) }, ['image', 'inspect', 'mine']);
    assert.deepEqual(JSON.parse(inspected.stdout).config, { config: { WorkingDir: '/x' } });
    assert.deepEqual(JSON.parse(inspected.stdout).source, '/srv/a.tar');
  });

  it('import from a path that is made absolute, and remove', async () => {
    const imported = await warden({ [Type.ImageImport]: () => ({ images: [image] }) }, ['image', 'import', 'a.tar', '--name', 'mine']);
    assert.deepEqual(imported.requests, [{ path: join(process.cwd(), 'a.tar'), name: 'mine', progress: true }]);
    assert.match(imported.stdout, /^h\.example\/app:1 mine:latest {2}sha256:/);
    await server[Symbol.asyncDispose]();
    const rude = await warden({ [Type.ImageImport]: () => ({ images: [{ id, names: ['a\x1b[2J\u202eb'], layers: [] }] }) }, ['image', 'import', 'a.tar']);
    assert.match(rude.stdout, /^a\\x1b\[2J\\u\{202e\}b {2}sha256:/);
    await server[Symbol.asyncDispose]();
    const removed = await warden({ [Type.ImageRemove]: ({ name }) => ({ untagged: [name], removed: id }) }, ['image', 'rm', 'a', 'b']);
    assert.equal(removed.stdout, `untagged a\nremoved ${id}\nuntagged b\nremoved ${id}\n`);
  });

  it('of rootfs name directories', async () => {
    const added = await warden({ [Type.RootfsSet]: () => ({}) }, ['rootfs', 'add', 'debian', '/srv/debian']);
    assert.deepEqual([added.status, added.requests], [0, [{ name: 'debian', path: '/srv/debian' }]]);
    await server[Symbol.asyncDispose]();
    const listed = await warden({ [Type.RootfsList]: () => ({ rootfs: [{ name: 'debian', path: '/srv/debian' }] }) }, ['rootfs', 'ls']);
    assert.equal(listed.stdout, 'NAME    DIRECTORY\ndebian  /srv/debian\n');
    await server[Symbol.asyncDispose]();
    assert.deepEqual((await warden({ [Type.RootfsSet]: () => ({}) }, ['rootfs', 'rm', 'debian'])).requests, [{ name: 'debian', remove: true }]);
  });

  it('say how they are used', async () => {
    for (const words of [['image'], ['image', 'nope'], ['image', 'pull'], ['image', 'pull', 'a', 'b'], ['image', 'pull', 'a', '--name', 'b'], ['image', 'ls', '-o', 'xml'], ['image', 'import', 'a', '--name'], ['rootfs', 'add', 'a']]) {
      const { status, stderr, requests } = await warden({}, words);
      assert.deepEqual([status, requests], [1, []], words.join(' '));
      assert.match(stderr, /^usage: (?:image|rootfs) /, words.join(' '));
      await server[Symbol.asyncDispose]();
    }
    const { stdout } = await warden({}, ['image', '--help']);
    assert.match(stdout, /usage: image import FILE[^]*image pull REFERENCE/);
  });
});

it('a create of a registry\'s image brings what docker knows of it', async () => {
  const { requests } = await warden({ [Type.Create]: () => ({ handle: 'x' }) }, ['create', '--rootfs', 'docker://h.example/app:1']);
  assert.deepEqual(requests, [{ bindMounts: [], hooks: [], labels: [], rootfs: 'docker://h.example/app:1', registryAuth: { username: 'alice', password: 'secret' } }]);
});
