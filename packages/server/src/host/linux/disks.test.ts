import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { DiskBackendName } from '../../lib/disk-backend-names.js';
import { silentLog } from '../../lib/log.js';
import type { ContainerDisk } from '../disk.js';
import { LauncherGone } from '../launcher.js';
import { refuseInodeLimit, type DiskBackend } from './disk-backend.js';
import { LinuxDisks } from './disks.js';

let depotPath: string;
let log: { level: string; facts: object; message: string }[];
let discarded: string[];

beforeEach(() => {
  depotPath = mkdtempSync(join(tmpdir(), 'warden-disks-'));
  log = [];
  discarded = [];
});

afterEach(() => rmSync(depotPath, { recursive: true, force: true }));

/** A backend that works, or says why not; it keeps its files in the containers' directories unless it can make disks. */
function backend(name: DiskBackend['name'], { broken, makes = false }: { broken?: string; makes?: boolean } = {}): DiskBackend & { made: string[] } {
  const made: string[] = [];
  return {
    name,
    made,
    prepare: () => (broken === undefined ? Promise.resolve() : Promise.reject(new Error(broken))),
    ...(makes ? { make: (path: string) => Promise.resolve(void made.push(path)) } : {}),
    async limit(_disk, change) {
      refuseInodeLimit(this, change);
      return { limits: { bytes: change.bytes ?? 1n, inodes: 0n }, usage: { bytes: 0n, inodes: undefined } };
    },
  };
}

function disksWith(choice: 'auto' | DiskBackendName, backends: readonly DiskBackend[]): LinuxDisks {
  const note = (level: string) => (facts: object, message: string): void => void log.push({ level, facts, message });
  const discard = (directory: string, names: readonly string[]): Promise<void> => Promise.resolve(void discarded.push(...names.map((name) => join(directory, name))));
  return new LinuxDisks({ depotPath, choice, launcher: { discard }, log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } }, backends);
}

const diskOf = (name: DiskBackendName): ContainerDisk => ({ backend: name, directory: '/depot/disks/1', upper: '/depot/disks/1/upper', uid: 10_000, rootUid: undefined });

test('auto takes the first that works, and tells why those before it do not', async () => {
  const disks = disksWith('auto', [backend('project', { broken: 'no quotas' }), backend('btrfs'), backend('image', { broken: 'never asked' })]);
  assert.equal(disks.backend, 'none');
  await disks.prepare();
  assert.equal(disks.backend, 'btrfs');
  assert.deepEqual(log, [{ level: 'info', facts: { backend: 'btrfs', refused: ['project: no quotas'] }, message: 'disk limits: btrfs' }]);
  assert.ok(existsSync(join(depotPath, 'disks')));
});

test('where none works auto goes on without, with a warning; one that was chosen has to work', async () => {
  const backends = [backend('project', { broken: 'no quotas' }), backend('btrfs', { broken: 'no loop device' })];
  await disksWith('auto', backends).prepare();
  assert.equal(log[0]?.level, 'warn');
  assert.match(log[0]?.message ?? '', /can fill the file system/);
  await assert.rejects(disksWith('btrfs', backends).prepare(), { code: 'unsupported', message: /^server\.quota\.backend: btrfs: no loop device; auto/ });
  await assert.rejects(disksWith('project', [backend('btrfs')]).prepare(), { code: 'unsupported' });
  const none = disksWith('none', [backend('btrfs')]);
  await none.prepare();
  assert.equal(none.backend, 'none');
  assert.equal(await none.make(), undefined);
});

test('each disk has a name of its own; a backend without disks leaves files where they are', async () => {
  const btrfs = backend('btrfs', { makes: true });
  const disks = disksWith('auto', [btrfs]);
  await disks.prepare();
  const paths = [await disks.make(), await disks.make()];
  assert.deepEqual(btrfs.made, paths);
  assert.equal(new Set(paths).size, 2);
  for (const path of paths) assert.match(path ?? '', new RegExp(`^${depotPath}/disks/[0-9]+-[0-9]+-[0-9]+$`));
  const project = disksWith('auto', [backend('project')]);
  await project.prepare();
  assert.equal(await project.make(), undefined);
});

test('a container is limited by the backend that it was made with, or told that it has none', async () => {
  const disks = disksWith('auto', [backend('project'), backend('btrfs')]);
  await disks.prepare();
  assert.equal((await disks.limit(diskOf('btrfs'), { bytes: 4096n })).limits.bytes, 4096n);
  assert.equal((await disks.limit(diskOf('btrfs'), { inodes: 0n })).limits.bytes, 1n);
  await assert.rejects(disks.limit(diskOf('btrfs'), { inodes: 1n }), { code: 'unsupported', message: /inode_limit: .*btrfs.*project and user/ });
  await assert.rejects(disks.limit(diskOf('none'), {}), { code: 'unsupported', message: /made when the server had none/ });
  const without = disksWith('none', []);
  await without.prepare();
  await assert.rejects(without.limit(diskOf('none'), {}), { code: 'unsupported', message: /log.*server\.quota/ });
});

test('at the end everything goes', async () => {
  mkdirSync(join(depotPath, 'disks/spare'), { recursive: true });
  await disksWith('auto', []).remove();
  assert.deepEqual(discarded, ['disks/spare', 'disks', 'disks.img', 'disk-template.img'].map((name) => join(depotPath, name)));
});

test('what a limit leaves behind is the backend\'s that the container was made with', async () => {
  const released: string[] = [];
  const disks = disksWith('auto', [backend('btrfs'), { ...backend('user'), release: async ({ uid }) => void released.push(`user ${uid}`) }]);
  await disks.release(diskOf('user'));
  await disks.release(diskOf('btrfs'));
  await disks.release(diskOf('none'));
  assert.deepEqual(released, ['user 10000']);
});

test('a disk that was perhaps made is removed, and the error is that of making it', async () => {
  const disks = disksWith('btrfs', [{ ...backend('btrfs', { makes: true }), make: () => Promise.reject(new Error('the launcher died')) }]);
  await disks.prepare();
  await assert.rejects(disks.make(), /the launcher died/);
  assert.match(discarded.join(), /^\S+\/disks\/\d+-\d+-0$/);
  // The launcher that is to remove it may die, too.
  const removals = [new LauncherGone('killed'), new LauncherGone('killed again'), undefined];
  const again = new LinuxDisks({ depotPath, choice: 'btrfs', launcher: { discard: async () => { const error = removals.shift(); if (error !== undefined) throw error; } }, log: silentLog }, [{ ...backend('btrfs'), make: () => Promise.reject(new Error('the launcher died')) }]);
  await again.prepare();
  await assert.rejects(again.make(), /the launcher died/);
  assert.deepEqual(removals, []);
});
