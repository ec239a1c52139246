import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SpareDirectory } from './spare-directory.js';

let path: string;
let spare: SpareDirectory;
let failures: unknown[];
const madeAnew = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

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
