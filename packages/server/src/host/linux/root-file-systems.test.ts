import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { WardenError } from 'warden-protocol';
import type { ContainerImage } from '../image.js';
import { LinuxRootFileSystems, type ImageSource } from './root-file-systems.js';

let directory: string;
let rootFileSystems: LinuxRootFileSystems;
let held: string[];
let names: Map<string, string>;

const image: ContainerImage = { id: `sha256:${'1'.repeat(64)}`, layers: [`sha256:${'2'.repeat(64)}`, `sha256:${'3'.repeat(64)}`], environment: [], user: undefined, workingDirectory: undefined };
const images: ImageSource = {
  imageOf: (name) => {
    if (name !== 'app:latest') throw new WardenError('not_found', `image ${name} not found`);
    return image;
  },
  directoriesOf: () => ['/images/lower', '/images/upper'],
  holdForContainer: (id, handle) => void held.push(`hold ${id} ${handle}`),
  releaseContainer: (id) => void held.push(`release ${id}`),
  holdEverything: () => void held.push('everything'),
};

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'warden-rootfs-')));
  for (const name of ['srv/depot/containers/1hq3k5m7o9q/upper', 'srv/depot-images', 'images/base']) mkdirSync(join(directory, name), { recursive: true });
  symlinkSync('srv', join(directory, 'link'));
  symlinkSync('/', join(directory, 'slash'));
  held = [];
  names = new Map([['base', join(directory, 'images/base')]]);
  rootFileSystems = new LinuxRootFileSystems(join(directory, 'link/depot'), images, (name) => names.get(name), (path, real) => (path.includes('/shared/') && !real.includes('/shared/') ? join(directory, 'shared') : undefined));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('the host\'s root, the depot, what lies in it and what contains it is refused, by whatever path', () => {
  for (const [path, why] of [
    ['/', /it is the host's own root/],
    [join(directory, 'slash'), /it is the host's own root/],
    [join(directory, 'srv/../srv/depot'), /it is the depot/],
    [join(directory, 'link/depot/containers/1hq3k5m7o9q/upper'), /it lies in the depot/],
    [join(directory, 'link'), /it contains the depot/],
    [directory, /it contains the depot/],
  ] as const) {
    assert.throws(() => rootFileSystems.open(path), { code: 'invalid_argument', message: why }, path);
  }
});

test('a path that a container has led elsewhere is refused', () => {
  mkdirSync(join(directory, 'shared/own'), { recursive: true });
  symlinkSync('../images/base', join(directory, 'shared/lies'));
  assert.throws(() => rootFileSystems.open(join(directory, 'shared/lies')), { code: 'invalid_argument', message: /leads out of .*shared, which a container can write to/ });
  assert.deepEqual(rootFileSystems.open(join(directory, 'shared/own')).lowers, [join(directory, 'shared/own')]);
});

test('other directories are taken, also one whose name begins as the depot\'s', () => {
  for (const name of ['images/base', 'srv/depot-images']) {
    const path = join(directory, name);
    const { identity, isStill: _, ...opened } = rootFileSystems.open(path);
    assert.deepEqual(opened, { lowers: [path], mounts: [] });
    assert.match(identity ?? '', /^\d+:\d+:\d+$/);
  }
  assert.throws(() => rootFileSystems.open(join(directory, 'nothing')), { code: 'not_found' });
});

test('a list of mounts is read again when it was replaced, and refused when others may write to it', () => {
  const path = join(directory, 'images/base');
  const list = (destination: string): void => {
    writeFileSync(`${path}.new`, JSON.stringify({ version: 1, mounts: [{ source: '/usr', destination }] }), { mode: 0o644 });
    renameSync(`${path}.new`, `${path}.mounts.json`);
  };
  for (const destination of ['/usr', '/opt']) {
    list(destination);
    const mounts = [{ source: '/usr', destination, recursive: false, readOnly: true, ...(destination === '/usr' ? { additions: true } : {}) }];
    assert.deepEqual(rootFileSystems.open(path).mounts, mounts);
    assert.deepEqual(rootFileSystems.open(path).mounts, mounts);
  }
  chmodSync(`${path}.mounts.json`, 0o666);
  assert.throws(() => rootFileSystems.open(path), { code: 'permission' });
  rmSync(`${path}.mounts.json`);
  assert.deepEqual(rootFileSystems.open(path).mounts, []);
});

test('an image is its layers, the topmost first, and stays as long as its container', () => {
  const { isStill, ...opened } = rootFileSystems.open('image:app:latest');
  assert.equal(isStill?.(), true);
  assert.deepEqual(opened, { lowers: ['/images/upper', '/images/lower'], mounts: [], image });
  assert.throws(() => rootFileSystems.open('image:other'), { code: 'not_found', message: 'rootfs image:other not found' });
  rootFileSystems.hold('1', 'handle', image);
  rootFileSystems.release('1');
  rootFileSystems.holdEverything();
  assert.deepEqual(held, ['hold 1 handle', 'release 1', 'everything']);
});

test('a name stands for a directory', () => {
  assert.deepEqual(rootFileSystems.open('base').lowers, [join(directory, 'images/base')]);
  assert.throws(() => rootFileSystems.open('other'), { code: 'not_found', message: 'rootfs other not found' });
});

test('whether opening it again would give the same is known without that', (t) => {
  const usr = rootFileSystems.open('/usr');
  assert.equal(usr.isStill?.(), true);
  // Made just now, however long the rest takes: it may change once more without a trace.
  let nowMs = statSync(join(directory, 'images/base')).ctimeMs + 50;
  const slow = new LinuxRootFileSystems(join(directory, 'link/depot'), images, (name) => names.get(name), () => void (nowMs += 1000));
  const clock = t.mock.method(Date, 'now', () => nowMs);
  assert.equal(slow.open('base').isStill?.(), false);
  assert.equal(slow.open('base').isStill?.(), true);
  clock.mock.restore();
  names.set('usr', '/usr');
  const named = rootFileSystems.open('usr');
  assert.equal(named.isStill?.(), true);
  names.set('usr', join(directory, 'images/base'));
  assert.deepEqual([named.isStill?.(), usr.isStill?.()], [false, true]);
  const link = join(directory, 'current');
  symlinkSync('/usr', link);
  const led = rootFileSystems.open(link);
  assert.equal(led.isStill?.(), true);
  rmSync(link);
  symlinkSync('/etc', link);
  assert.equal(led.isStill?.(), false);
});

test('a directory above the root file system is renamed, and a link leads there', (t) => {
  const real = join(directory, 'images/base');
  const link = join(directory, 'current');
  symlinkSync('images/base', link);
  const nowMs = statSync(real).ctimeMs + 1000;
  t.mock.method(Date, 'now', () => nowMs);
  const [led, direct] = [rootFileSystems.open(link), rootFileSystems.open(real)];
  assert.deepEqual([led.isStill?.(), direct.isStill?.()], [true, true]);
  // Nothing of this changes the directory itself.
  renameSync(join(directory, 'images'), join(directory, 'moved'));
  assert.deepEqual([led.isStill?.(), direct.isStill?.()], [false, false], 'it is not there any more');
  rmSync(link);
  symlinkSync('moved/base', link);
  assert.equal(led.isStill?.(), false, 'its real path is another, and its list of mounts, too');
  symlinkSync('moved', join(directory, 'images'));
  assert.equal(direct.isStill?.(), true, 'the same directory, and the same way to its list');
  writeFileSync(join(directory, 'moved/base.mounts.json'), JSON.stringify({ version: 1, mounts: [{ source: '/opt', destination: '/opt' }] }));
  assert.deepEqual([link, real].map((path) => rootFileSystems.open(path).mounts.length), [1, 1]);
  assert.deepEqual([led.isStill?.(), direct.isStill?.()], [false, false], 'there is a list');
});

test('an image whose name stands for another one is another', () => {
  const { imageOf } = images;
  const opened = rootFileSystems.open('image:app:latest');
  for (const other of [() => ({ ...image, id: `sha256:${'4'.repeat(64)}` as const }), () => assert.fail('there is none')]) {
    images.imageOf = other;
    assert.equal(opened.isStill?.(), false);
  }
  images.imageOf = imageOf;
  assert.equal(opened.isStill?.(), true);
});
