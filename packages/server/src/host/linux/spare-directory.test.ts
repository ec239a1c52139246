import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SpareDirectory } from './spare-directory.js';

let path: string;
let spare: SpareDirectory;
let failures: unknown[];
const madeAnew = (): Promise<void> => spare.made;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'warden-spare-'));
  failures = [];
  spare = new SpareDirectory(path, (error) => failures.push(error));
});

afterEach(() => rmSync(path, { recursive: true, force: true }));

test('one directory is there for the next, and one more when it was taken', async () => {
  assert.equal(spare.moveTo(join(path, 'one')), undefined, 'nothing was made yet');
  spare.makeSoon();
  spare.makeSoon();
  await madeAnew();
  assert.equal(readdirSync(path).length, 1);
  assert.deepEqual(spare.moveTo(join(path, 'one')), { disk: undefined });
  assert.equal(statSync(join(path, 'one')).mode & 0o777, 0o700);
  assert.equal(spare.moveTo(join(path, 'two')), undefined);
  spare.makeSoon();
  await madeAnew();
  assert.deepEqual(spare.moveTo(join(path, 'two')), { disk: undefined });
  assert.deepEqual(failures, []);
});

test('what stands at the place is never replaced', async () => {
  spare.makeSoon();
  await madeAnew();
  mkdirSync(join(path, 'taken'));
  assert.equal(spare.moveTo(join(path, 'taken')), undefined);
  assert.equal(readdirSync(path).length, 2);
});

test('one that somebody removed is no failure', async () => {
  spare.makeSoon();
  await madeAnew();
  for (const name of readdirSync(path)) rmdirSync(join(path, name));
  assert.equal(spare.moveTo(join(path, 'one')), undefined);
  spare.makeSoon();
  await madeAnew();
  assert.deepEqual(spare.moveTo(join(path, 'one')), { disk: undefined });
});

test('what an earlier server has left is removed, and what is not empty is left alone', () => {
  mkdirSync(join(path, 'earlier'));
  mkdirSync(join(path, 'theirs'));
  writeFileSync(join(path, 'theirs/file'), '');
  writeFileSync(join(path, 'file'), '');
  spare.clear();
  assert.deepEqual(readdirSync(path).sort(), ['file', 'theirs']);
});

test('each has a name of its own', async () => {
  const names = new Set<string>();
  for (let round = 0; round < 3; round++) {
    spare.makeSoon();
    await madeAnew();
    for (const name of readdirSync(path)) if (!/^taken/.test(name)) names.add(name);
    assert.deepEqual(spare.moveTo(join(path, `taken-${round}`)), { disk: undefined });
  }
  assert.equal(names.size, 3);
});

test('when it cannot be made that is told once, and there is none', async () => {
  rmSync(path, { recursive: true });
  spare.makeSoon();
  await madeAnew();
  spare.makeSoon();
  await madeAnew();
  assert.equal(failures.length, 1);
  assert.equal(spare.moveTo(join(path, 'one')), undefined);
});

test('its disk is made beforehand, and a link in it leads there', async () => {
  const disks = ['/depot/disks/1-2-3', '/depot/disks/4-5-6'];
  spare = new SpareDirectory(path, (error) => failures.push(error), () => Promise.resolve(disks.shift()));
  spare.makeSoon();
  await madeAnew();
  mkdirSync(join(path, 'kept'));
  assert.deepEqual(spare.moveTo(join(path, 'kept/one')), { disk: '/depot/disks/1-2-3' });
  assert.equal(readlinkSync(join(path, 'kept/one/disk')), '../../disks/1-2-3');
  spare.makeSoon();
  await madeAnew();
  new SpareDirectory(path, () => undefined).clear();
  assert.deepEqual(readdirSync(path), ['kept'], 'what an earlier server has left goes with its link');
});

test('a disk that cannot be made is told, and tried again for the next', async () => {
  let attempts = 0;
  spare = new SpareDirectory(path, (error) => failures.push(error), () => (++attempts === 1 ? Promise.reject(new Error('no launcher')) : Promise.resolve('/depot/disks/1-2-3')));
  spare.makeSoon();
  await madeAnew();
  assert.equal(spare.moveTo(join(path, 'one')), undefined);
  assert.equal(failures.length, 1);
  spare.makeSoon();
  await madeAnew();
  assert.deepEqual(spare.moveTo(join(path, 'one')), { disk: '/depot/disks/1-2-3' });
});
