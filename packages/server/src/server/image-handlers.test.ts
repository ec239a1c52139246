import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { errorOfResponse, PullPolicy, Type, type AnyResponse, type ImagePullResponse } from 'warden-protocol';
import { Pulls } from '../image/pulls.js';
import { RecordingRegistry } from '../image/recording-registry.js';
import { RecordingStore } from '../image/recording-store.js';
import { TestServer, type TestClient } from './test-server.js';

let directory: string;
let store: RecordingStore;
let registry: RecordingRegistry;
let server: TestServer;
let client: TestClient;
const named = new Map<string, string>();

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'warden-image-handlers-'));
  store = new RecordingStore(directory);
  registry = new RecordingRegistry(directory);
  named.clear();
  server = new TestServer(undefined, {
    store,
    pulls: new Pulls(store, registry, { defaultRegistry: undefined, parallelLayers: 1 }),
    named: { list: () => [...named].map(([name, path]) => ({ name, path })), add: (name, path) => void named.set(name, path), remove: (name) => void named.delete(name) },
  });
  await server.listener.listen();
  client = await server.connect();
});
afterEach(async () => {
  await server.close();
  assert.equal(store.holds, 0);
  rmSync(directory, { recursive: true });
});

const reference = 'h.example/app:1';
function refusal({ type, response }: AnyResponse): string {
  assert.equal(type, Type.Error);
  const { code, message } = errorOfResponse(response as Parameters<typeof errorOfResponse>[0]);
  return `${code}: ${message}`;
}

describe('image_pull', () => {
  it('tells its progress to who asks for it, and the image last', async () => {
    client.send(Type.ImagePull, { reference, progress: true });
    client.send(Type.Ping, {});
    await client.until(() => client.responses.at(-1)?.type === Type.Ping);
    const answers = client.responses.slice(0, -1).map(({ response }) => response as ImagePullResponse);
    assert.deepEqual(answers.map(({ progress }) => progress?.step), ['resolving', 'downloading', 'done', 'downloading', 'done', undefined]);
    assert.deepEqual(answers.at(-1)?.image?.names, [reference]);
    assert.equal(answers.at(-1)?.manifestDigest, store.inspect(reference).manifestDigest);
    assert.equal(answers[1]?.progress?.totalBytes, 1n);
  });

  it('is one reply for all others', async () => {
    const { type, response } = await client.call(Type.ImagePull, { reference });
    assert.deepEqual([type, (response as ImagePullResponse).progress, client.responses.length], [Type.ImagePull, undefined, 1]);
  });

  it('ends with its client', async () => {
    let closed = (): void => undefined;
    const isClosed = new Promise<void>((resolve) => { closed = resolve; });
    registry.gate = (_layer, whenClosed) => {
      whenClosed.catch(closed);
      client.socket.destroy();
      return new Promise(() => undefined);
    };
    client.send(Type.ImagePull, { reference });
    await isClosed;
  });

  it('ends with the server', async () => {
    let began = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => { began = resolve; });
    registry.gate = () => {
      began();
      return new Promise(() => undefined);
    };
    client.send(Type.ImagePull, { reference });
    await hasBegun;
    await server.listener.drain(10_000);
    assert.equal(registry.log.at(-1), 'close');
  });
});

describe('a create of a registry\'s image', () => {
  const create = (request: object) => client.call(Type.Create, { handle: 'demo', rootfs: `docker://${reference}`, ...request });

  it('pulls what is missing, and is made of it by its id', async () => {
    const { type } = await create({ registryAuth: { username: 'u', password: 'p' } });
    assert.equal(type, Type.Create);
    const id = store.find(reference);
    assert.equal(server.scene.containers.get('demo').rootfsPath, `image:${id}`);
    assert.equal(registry.orders[0]?.credentials?.username, 'u');
  });

  it('pulls nothing where that is not wanted, or where the create cannot come about', async () => {
    assert.match(refusal(await create({ pull: PullPolicy.NEVER })), /^not_found: image h\.example\/app:1 not found/);
    assert.match(refusal(await create({ handle: '' })), /^invalid_argument: handle/);
    assert.match(refusal(await create({ rootfs: 'docker://app' })), /^invalid_argument: .*names no registry/);
    assert.match(refusal(await create({ rootfs: '/x', pull: PullPolicy.ALWAYS })), /^invalid_argument: pull, registry_auth/);
    assert.deepEqual(registry.orders, []);
  });
});

it('the other requests go to the store and to the names', async () => {
  await client.call(Type.ImagePull, { reference });
  assert.deepEqual((await client.call(Type.ImageList, {})).response, { images: [{ id: store.find(reference), names: [reference], sizeBytes: 0n, layers: [], containers: 0 }] });
  const { response } = await client.call(Type.ImageInspect, { name: reference });
  assert.match(JSON.stringify(response, (_key, value: unknown) => typeof value === 'bigint' ? String(value) : value), /"config":"\{.*"source":"docker:\/\/h\.example\/app:1"/);
  assert.match(refusal(await client.call(Type.ImageInspect, { name: 'none' })), /^not_found/);
  client.responses.length = 0;
  client.send(Type.ImageImport, { path: '/srv/a.tar', name: 'mine', progress: true });
  await client.until(() => client.responses.length === 2);
  assert.deepEqual(client.responses[0]?.response, { progress: { item: '/srv/a.tar', step: 'extracting', doneBytes: 1n, totalBytes: 2n }, images: [] });
  assert.equal(store.calls.at(-1), 'import /srv/a.tar mine');
  for (const path of ['a.tar', '', '/a\0b', `/${'x'.repeat(5000)}`]) assert.match(refusal(await client.call(Type.ImageImport, { path })), /^invalid_argument: path/);
  assert.deepEqual((await client.call(Type.ImageRemove, { name: reference })).response, { untagged: [reference], removed: `sha256:${Buffer.from(reference).toString('hex').padEnd(64, '0').slice(0, 64)}` });

  await client.call(Type.RootfsSet, { name: 'r', path: '/srv/r' });
  assert.deepEqual((await client.call(Type.RootfsList, {})).response, { rootfs: [{ name: 'r', path: '/srv/r' }] });
  assert.match(refusal(await client.call(Type.RootfsSet, { name: 'r' })), /^invalid_argument: rootfs_set: either path or remove/);
  await client.call(Type.RootfsSet, { name: 'r', remove: true });
  assert.equal(named.size, 0);
});
