import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDigest } from '../lib/digest.js';
import { StoreDirectory } from './store-directory.js';

test('what was staged is removed unless it has become a layer, and a layer when it is dropped', async () => {
  const path = mkdtempSync(join(tmpdir(), 'warden-store-'));
  try {
    const removed: string[] = [];
    mkdirSync(join(path, 'disk'));
    symlinkSync('disk', join(path, 'images'));
    const store = new StoreDirectory(join(path, 'images'), (directory) => ({
      remove: (name) => void removed.push(join(directory, name)),
      emptied: async () => undefined,
    }));
    const layer = parseDigest(`sha256:${'a'.repeat(64)}`);
    assert.ok(layer !== undefined);
    const given = await store.stage();
    assert.equal(given, realpathSync(given), 'by a path without links, whatever the directory is named by');
    store.unstage(given);
    assert.deepEqual(removed.splice(0), [given]);
    const kept = await store.stage();
    mkdirSync(join(kept, 'root'));
    await store.keepLayer(layer, kept, 5);
    store.unstage(kept);
    assert.deepEqual([removed, [...store.layers()]], [[], [[layer, 5]]]);
    store.dropLayer(layer);
    assert.equal(existsSync(join(removed[0] ?? '', 'root')), true);
    assert.deepEqual([...store.layers()], []);
    // The next server finds it, and everything else that was left.
    store.empty();
    assert.deepEqual(removed.slice(1).sort(), [given, removed[0]].sort());
  } finally {
    rmSync(path, { recursive: true });
  }
});
