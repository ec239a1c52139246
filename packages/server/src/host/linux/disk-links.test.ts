import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { findUnownedDisks, linkDisk, readDiskLink } from './disk-links.js';

let depot: string;

beforeEach(() => {
  depot = mkdtempSync(join(tmpdir(), 'warden-disks-'));
  for (const name of ['disks/1-2-3', 'disks/4-5-6', 'containers/a', 'containers/b', 'containers/c']) mkdirSync(join(depot, name), { recursive: true });
});

afterEach(() => rmSync(depot, { recursive: true, force: true }));

test('a container\'s link leads to its disk, wherever the depot is', () => {
  linkDisk(join(depot, 'containers/a'), join(depot, 'disks/1-2-3'));
  assert.equal(readlinkSync(join(depot, 'containers/a/disk')), '../../disks/1-2-3');
  assert.equal(readDiskLink(join(depot, 'containers/a')), '1-2-3');
});

test('no link, and one that leads anywhere else, is no disk', () => {
  assert.equal(readDiskLink(join(depot, 'containers/a')), undefined);
  for (const target of ['/etc', '../../disks', '../../disks/', '../../disks/..', '../../disks/1/2', '../../disks/1-2-3/', '../disks/1-2-3', '../../containers/a', '../../disks/A']) {
    symlinkSync(target, join(depot, 'containers/b/disk'));
    assert.equal(readDiskLink(join(depot, 'containers/b')), undefined, target);
    rmSync(join(depot, 'containers/b/disk'));
  }
  writeFileSync(join(depot, 'containers/c/disk'), '');
  assert.equal(readDiskLink(join(depot, 'containers/c')), undefined);
});

test('disks that no container has are found', () => {
  assert.deepEqual(findUnownedDisks(join(depot, 'disks'), join(depot, 'containers')).sort(), ['1-2-3', '4-5-6']);
  linkDisk(join(depot, 'containers/b'), '4-5-6');
  writeFileSync(join(depot, 'containers/file'), '');
  assert.deepEqual(findUnownedDisks(join(depot, 'disks'), join(depot, 'containers')), ['1-2-3']);
  assert.deepEqual(findUnownedDisks(join(depot, 'nothing'), join(depot, 'containers')), []);
});
