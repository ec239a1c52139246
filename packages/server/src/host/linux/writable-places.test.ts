import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { leadsOutOf, parseMounts, writablePlaces, type HostMount } from './writable-places.js';

const places = (paths: readonly string[], ...mounts: readonly [device: string, root: string, point: string][]): string[] =>
  writablePlaces(paths, () => mounts.map(([device, root, point]): HostMount => ({ device, root, point })));

test('a path is seen at itself, and where the host shows what it lies in, or a part of it', () => {
  const root: [string, string, string] = ['8:1', '/', '/'];
  assert.deepEqual(places(['/srv/w'], root), ['/srv/w']);
  assert.deepEqual(places(['/srv/w'], root, ['8:1', '/srv/w/sub', '/mnt/part'], ['8:1', '/srv', '/mnt/all'], ['8:1', '/srv/wide', '/mnt/other'], ['8:2', '/srv/w', '/mnt/disk']),
    ['/srv/w', '/mnt/part', '/mnt/all/w']);
  assert.deepEqual(places(['/srv/w'], root, ['8:1', '/', '/mnt/again']), ['/srv/w', '/mnt/again/srv/w']);
  assert.deepEqual(places(['/srv/w'], root, ['8:1', '/srv/w', '/srv/w'], ['8:1', '/srv/w', '/mnt/same']), ['/srv/w', '/mnt/same']);
});

test('a path on a file system of its own, of which the host shows a part as its root', () => {
  assert.deepEqual(places(['/data/w'], ['0:1', '/', '/'], ['8:2', '/@/data', '/data'], ['8:2', '/@', '/mnt/disk'], ['8:2', '/@/data/w/x', '/mnt/x']), ['/data/w', '/mnt/disk/data/w', '/mnt/x']);
  assert.deepEqual(places(['/data'], ['0:1', '/', '/'], ['8:2', '/', '/data'], ['8:2', '/', '/mnt/disk']), ['/data', '/mnt/disk']);
});

test('what is mounted over a place is what is there', () => {
  assert.deepEqual(places(['/data/w'], ['0:1', '/', '/'], ['8:2', '/', '/data'], ['8:3', '/', '/data'], ['8:3', '/w', '/mnt/w'], ['8:2', '/w', '/mnt/old']), ['/data/w', '/mnt/w']);
});

test('no paths, no mounts read', () => {
  assert.deepEqual(writablePlaces([], () => assert.fail('read')), []);
  assert.deepEqual(places(['/w']), ['/w']);
});

test('lines of the kernel', () => {
  const text = '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n37 35 0:44 /a\\040b\\134 /x\\011y rw - tmpfs none rw\n';
  assert.deepEqual(parseMounts(text), [{ device: '98:0', root: '/mnt1', point: '/mnt2' }, { device: '0:44', root: '/a b\\', point: '/x\ty' }]);
  assert.ok(writablePlaces(['/']).includes('/'), 'this machine\'s are understood');
});

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warden-places-')));
after(() => rmSync(directory, { recursive: true }));

test('a path that goes through a place and leaves it', () => {
  for (const name of ['w/inner', 'elsewhere']) mkdirSync(join(directory, name), { recursive: true });
  symlinkSync('../elsewhere', join(directory, 'w/out'));
  symlinkSync('w', join(directory, 'in'));
  // Links of the host's own, which are not to be followed further than the place.
  symlinkSync('w/out', join(directory, 'current'));
  symlinkSync(join(directory, 'in/./out/'), join(directory, 'absolute'));
  symlinkSync('absolute', join(directory, 'chain'));
  symlinkSync('w/inner/', join(directory, 'stays'));
  const at = (name: string): string => join(directory, name);
  const left = (name: string, place = 'w'): string | undefined => leadsOutOf(`${directory}/${name}`, realpathSync.native(`${directory}/${name}`), [at(place)], () => []);
  for (const name of ['w/out', 'in/out', 'w/../elsewhere', 'current', 'current/.', 'absolute', 'chain', 'elsewhere/../chain']) assert.equal(left(name), at('w'), name);
  for (const name of ['w/inner', 'in/inner', 'w', 'elsewhere', 'in', 'stays', 'stays/../inner', 'elsewhere/../elsewhere']) assert.equal(left(name), undefined, name);
  assert.equal(left('w/out', 'unrelated'), undefined);
});
