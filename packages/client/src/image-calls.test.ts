import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Type, WardenError, type ImageProgress } from 'warden-protocol';
import { WardenClient } from './client.js';
import { FakeServer, type FakeHandlers } from './testing/fake-server.js';

const image = { id: `sha256:${'a'.repeat(64)}`, names: ['demo:latest'], sizeBytes: 7n, layers: [], containers: 0 };

async function withServer(handlers: FakeHandlers, work: (client: WardenClient, server: FakeServer) => Promise<void>): Promise<void> {
  await using server = await FakeServer.listen(handlers);
  await using client = await WardenClient.connect({ path: server.path });
  await work(client, server);
}

describe('a pull', () => {
  const pulled: FakeHandlers = {
    [Type.ImagePull]: ({ progress }) => (async function* () {
      if (progress === true) yield { progress: { item: 'a', step: 'downloading', doneBytes: 1n } };
      if (progress === true) yield { progress: { item: 'a', step: 'done' } };
      yield { image, manifestDigest: 'm' };
    })(),
  };

  it('tells its progress, and then the image', () => withServer(pulled, async (client) => {
    const seen: ImageProgress[] = [];
    const [{ image: answer, progress }, pong] = await Promise.all([client.images.pull({ reference: 'demo' }, { onProgress: (step) => seen.push(step) }), client.ping()]);
    assert.deepEqual([answer, progress], [image, undefined]);
    assert.deepEqual(seen.map(({ step, doneBytes }) => [step, doneBytes]), [['downloading', 1n], ['done', undefined]]);
    assert.deepEqual(pong, {});
  }));

  it('asks for progress only where somebody listens', () => withServer(pulled, async (client, server) => {
    assert.equal((await client.images.pull({ reference: 'demo', auth: { username: 'u', password: 'p' } })).manifestDigest, 'm');
    assert.deepEqual(server.requests.map(({ request }) => request), [{ reference: 'demo', auth: { username: 'u', password: 'p' }, progress: false }]);
  }));

  it('that fails behind some progress is refused, and the connection stays', () => withServer({
    [Type.ImagePull]: () => (async function* () {
      yield { progress: { item: 'a', step: 'downloading' } };
      throw new WardenError('not_found', 'no such image');
    })(),
  }, async (client, server) => {
    await assert.rejects(client.images.pull({ reference: 'demo' }, { onProgress: () => undefined }), (error) => error instanceof WardenError && error.code === 'not_found');
    await client.ping();
    assert.equal(server.connections, 1);
  }));

  it('is given up with its signal', () => withServer({ [Type.ImagePull]: () => new Promise<never>(() => undefined) }, async (client) => {
    const controller = new AbortController();
    const pull = client.images.pull({ reference: 'demo' }, { signal: controller.signal });
    controller.abort();
    await assert.rejects(pull, (error) => error instanceof WardenError && error.code === 'canceled');
  }));
});

it('the other requests about images are one reply each', () => withServer({
  [Type.ImageList]: () => ({ images: [image] }),
  [Type.ImageInspect]: () => ({ image, config: '{}' }),
  [Type.ImageRemove]: () => ({ untagged: ['demo:latest'], removed: image.id }),
  [Type.ImageImport]: () => ({ images: [image] }),
  [Type.RootfsList]: () => ({ rootfs: [{ name: 'r', path: '/r' }] }),
  [Type.RootfsSet]: () => ({}),
}, async (client) => {
  assert.deepEqual((await client.images.list()).images, [image]);
  assert.equal((await client.images.inspect({ name: 'demo' })).config, '{}');
  assert.deepEqual(await client.images.remove({ name: 'demo' }), { untagged: ['demo:latest'], removed: image.id });
  assert.deepEqual((await client.images.import({ path: '/x' })).images, [image]);
  assert.deepEqual((await client.rootfs.list()).rootfs, [{ name: 'r', path: '/r' }]);
  assert.deepEqual(await client.rootfs.add({ name: 'r', path: '/r' }), {});
  assert.deepEqual(await client.rootfs.remove({ name: 'r' }), {});
}));
