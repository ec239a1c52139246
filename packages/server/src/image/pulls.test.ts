import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { Pulls, type Progress } from './pulls.js';
import { configOf, digestOf, RecordingRegistry, remote } from './recording-registry.js';
import { RecordingStore } from './recording-store.js';

let directory: string;
let store: RecordingStore;
let registry: RecordingRegistry;
let pulls: Pulls;
const progress: Progress[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-pulls-'));
  store = new RecordingStore(directory);
  registry = new RecordingRegistry(directory);
  pulls = new Pulls(store, registry, { defaultRegistry: undefined, parallelLayers: 2 });
  progress.length = 0;
});
afterEach(() => {
  assert.equal(store.holds, 0);
  rmSync(directory, { recursive: true });
});

const options = (signal = new AbortController().signal) => ({ signal, progress: (step: Progress) => void progress.push(step) });
const request = (reference = 'h.example/app:1') => ({ reference, auth: undefined, platform: undefined });
const isCode = (code: string, text = /./) => (error: unknown): boolean => error instanceof WardenError && error.code === code && text.test(error.message);

describe('a pull', () => {
  it('fetches what the store lacks, and keeps the image when all of it is there', async () => {
    store.layers.set(digestOf('da'), 'there');
    const { image, manifestDigest } = await pulls.pull({ ...request(), auth: { username: 'u', password: 'p' }, platform: 'linux/arm64/v8' }, options());
    assert.deepEqual([image.names, manifestDigest], [['h.example/app:1'], digestOf('m')]);
    assert.deepEqual(registry.orders, [{ host: 'h.example', repository: 'app', reference: '1', credentials: { username: 'u', password: 'p', identityToken: undefined }, platform: 'linux/arm64/v8' }]);
    assert.deepEqual(registry.log, ['fetch b', 'drop b', 'close']);
    assert.deepEqual(store.calls, ['layer 6462', 'image h.example/app:1']);
    assert.equal(store.inspect('h.example/app:1').source, 'docker://h.example/app:1');
    assert.deepEqual(progress.map(({ item, step, layers }) => [item.slice(0, 9), step, layers]), [
      ['h.example', 'resolving', undefined], ['sha256:61', 'present', 2], ['sha256:62', 'downloading', 2], ['sha256:62', 'done', 2],
    ]);
  });

  it('has no more layers under way than it may', async () => {
    registry.image = () => Promise.resolve(remote('a', 'b', 'c', 'd', 'e'));
    let [now, most] = [0, 0];
    registry.gate = async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => void setImmediate(resolve));
      now--;
    };
    await pulls.pull(request(), options());
    assert.equal(most, 2);
    assert.equal(store.layers.size, 5);
  });

  it('of a layer that another pull fetches waits for it, and fetches it no second time', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => { open = resolve; });
    registry.image = () => Promise.resolve(remote('a'));
    registry.gate = () => gate;
    const both = [pulls.pull(request(), options()), pulls.pull(request('h.example/other'), options())];
    await new Promise((resolve) => void setImmediate(resolve));
    open();
    await Promise.all(both);
    assert.deepEqual(registry.log.filter((line) => line.startsWith('fetch')), ['fetch a']);
    assert.deepEqual([...store.images.keys()], ['h.example/app:1', 'h.example/other:latest']);
  });

  it('of an image that has one layer twice fetches it once', async () => {
    registry.image = () => Promise.resolve({ ...remote('a', 'b', 'a') });
    await pulls.pull(request(), options());
    assert.deepEqual(registry.log.filter((line) => line.startsWith('fetch')), ['fetch a', 'fetch b']);
  });

  it('that fails says what has failed first, begins no more, and lets go of everything', async () => {
    registry.image = () => Promise.resolve(remote('a', 'b', 'c', 'd'));
    store.adding = (file) => file.diffId === digestOf('da') ? Promise.reject(new WardenError('invalid_argument', 'no tar')) : Promise.resolve();
    await assert.rejects(pulls.pull(request(), options()), isCode('invalid_argument', /no tar/));
    assert.ok(registry.log.includes('drop a') && registry.log.at(-1) === 'close' && !registry.log.includes('fetch d'));
    assert.equal(store.images.size, 0);
  });

  it('whose client goes is given up, whatever it is doing', async () => {
    for (const stage of ['resolve', 'fetch', 'add', 'wait'] as const) {
      const controller = new AbortController();
      const abort = (): void => controller.abort(new WardenError('canceled', 'the client has closed its connection'));
      const never = new Promise<never>(() => undefined);
      const fresh = new RecordingRegistry(directory);
      const own = new Pulls(store, fresh, { defaultRegistry: undefined, parallelLayers: 2 });
      store.layers.clear();
      store.adding = () => Promise.resolve();
      if (stage === 'resolve') fresh.image = () => { setImmediate(abort); return never; };
      if (stage === 'fetch') fresh.gate = () => { setImmediate(abort); return never; };
      if (stage === 'add') store.adding = (_file, { signal }) => new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new WardenError('canceled', 'gone')));
        setImmediate(abort);
      });
      if (stage === 'wait') abort();
      await assert.rejects(own.pull(request(), options(controller.signal)), isCode('canceled'), stage);
      assert.equal(store.holds, 0, stage);
    }
  });

  it('waits when there are many, and leaves the queue with its client', async () => {
    const gates: (() => void)[] = [];
    registry.image = () => new Promise((resolve) => { gates.push(() => resolve(remote())); });
    const first = Array.from({ length: 4 }, (_, index) => pulls.pull(request(`h.example/p${index}`), options()));
    const controller = new AbortController();
    const late = pulls.pull(request('h.example/late'), options(controller.signal));
    const last = pulls.pull(request('h.example/last'), options());
    assert.equal(registry.orders.length, 4);
    controller.abort(new WardenError('canceled', 'gone'));
    await assert.rejects(late, isCode('canceled'));
    gates[0]?.();
    await first[0];
    assert.equal(registry.orders.length, 5);
    for (const open of gates) open();
    gates.at(-1)?.();
    await Promise.all([...first, last]);
  });

  it('refuses what makes no sense before anybody is asked', async () => {
    for (const [wrong, text] of [
      [{ reference: 'app' }, /names no registry/], [{ reference: 'http://h.example/app' }, /names no image/], [{ platform: 'linux' }, /platform/], [{ platform: 'linux/amd64/../x' }, /platform/],
      [{ auth: { username: 'a:b', password: '' } }, /colon/], [{ auth: { password: 'x'.repeat(70_000) } }, /longer than 65536/],
    ] as const) await assert.rejects(pulls.pull({ ...request(), ...wrong }, options()), isCode('invalid_argument', text));
    assert.deepEqual(registry.orders, []);
  });

  it('refuses an image whose manifest and configuration do not belong together', async () => {
    registry.image = () => Promise.resolve({ ...remote('a', 'b'), config: configOf(digestOf('da')) });
    await assert.rejects(pulls.pull(request(), options()), isCode('protocol', /manifest has 2 layers, its configuration 1/));
    for (const config of ['{', '[]', '{"rootfs":{"type":"layers","diff_ids":["sha256:x"]}}', '{"rootfs":{"type":"x","diff_ids":[]}}']) {
      registry.image = () => Promise.resolve({ ...remote('a'), config: Buffer.from(config) });
      await assert.rejects(pulls.pull(request(), options()), isCode('protocol', /the image's configuration/));
    }
  });
});

describe('an image that a create needs', () => {
  it('is pulled when it is missing, always, or never', async () => {
    await assert.rejects(pulls.ensure(request(), 'never', options()), isCode('not_found', /image h\.example\/app:1 not found/));
    const id = await pulls.ensure(request('docker://h.example/app:1'), 'missing', options());
    assert.equal(store.find('h.example/app:1'), id);
    for (const [policy, times] of [['missing', 1], ['never', 1], ['always', 2]] as const) {
      assert.equal(await pulls.ensure(request(), policy, options()), id);
      assert.equal(registry.orders.length, times, policy);
    }
  });

  it('by a digest has a name of its own', async () => {
    const digest = digestOf('m');
    await pulls.ensure(request(`h.example/app:2@${digest}`), 'missing', options());
    assert.deepEqual([...store.images.keys()], [`h.example/app:${digest.replace(':', '-')}`]);
    assert.equal(registry.orders[0]?.reference, digest);
    await pulls.ensure(request(`h.example/app@${digest}`), 'never', options());
  });

  it('may come from the registry that is configured', async () => {
    const own = new Pulls(store, registry, { defaultRegistry: 'r.example', parallelLayers: 1 });
    await own.pull(request('team/app'), options());
    assert.deepEqual([...store.images.keys()], ['r.example/team/app:latest']);
  });
});
