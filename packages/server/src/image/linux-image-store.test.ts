import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDigest, type Digest } from '../lib/digest.js';
import { silentLog } from '../lib/log.js';
import { LinuxImageStore } from './linux-image-store.js';
import { StoreDirectory } from './store-directory.js';

const digestOf = (text: string): Digest => parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`) as Digest;

/** As docker save writes it, with a layer that the unpacking of the tests takes for what is in it. */
function writeImage(directory: string, layer: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'layer.tar'), layer);
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }));
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: ['image:v1'], Layers: ['layer.tar'] }]));
}

test('a directory is imported where it was found, and not where a link leads that came since', async (t) => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warden-images-')));
  t.after(() => rmSync(directory, { recursive: true }));
  writeImage(join(directory, 'shared/image'), 'own');
  writeImage(join(directory, 'secret/image'), 'secret');
  let exchange = (): void => undefined;
  const settings = { architecture: 'amd64', log: silentLog, reasonAgainst: () => exchange() as undefined };
  const unpacked: Digest[] = [];
  const expected = [digestOf('own'), digestOf('secret')];
  const store = new LinuxImageStore(new StoreDirectory(join(directory, 'images'), () => ({ remove: () => undefined, emptied: async () => undefined })), async () => {
    const diffId = expected[unpacked.length] as Digest;
    unpacked.push(diffId);
    return { diffId, fileDigest: diffId, sizeInBytes: 1, skipped: 0, notes: [] };
  }, settings);
  const options = { signal: new AbortController().signal, progress: () => undefined };
  const [image] = await store.import(join(directory, 'shared/image'), undefined, options);
  assert.deepEqual(image?.layers.map(({ diffId }) => diffId), [digestOf('own')]);

  exchange = () => {
    renameSync(join(directory, 'shared'), join(directory, 'away'));
    symlinkSync('secret', join(directory, 'shared'));
  };
  await assert.rejects(store.import(join(directory, 'shared/image'), 'stolen:v1', options), { code: 'invalid_argument' });
  assert.deepEqual([unpacked, store.find('docker.io/library/stolen:v1')], [[digestOf('own')], undefined]);
});
