import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
  assert.equal(spare.moveTo(join(path, 'one')), false, 'nothing was made yet');
  spare.makeSoon();
  spare.makeSoon();
  await madeAnew();
  assert.deepEqual(readdirSync(path), ['next']);
  assert.equal(spare.moveTo(join(path, 'one')), true);
  assert.equal(statSync(join(path, 'one')).mode & 0o777, 0o700);
  assert.equal(spare.moveTo(join(path, 'two')), false);
  spare.makeSoon();
  await madeAnew();
  assert.equal(spare.moveTo(join(path, 'two')), true);
  assert.deepEqual(failures, []);
});

test('what stands at the place is never replaced', async () => {
  spare.makeSoon();
  await madeAnew();
  mkdirSync(join(path, 'taken'));
  assert.equal(spare.moveTo(join(path, 'taken')), false);
  assert.ok(existsSync(join(path, 'next')));
});

test('one that somebody removed is no failure', async () => {
  spare.makeSoon();
  await madeAnew();
  rmdirSync(join(path, 'next'));
  assert.equal(spare.moveTo(join(path, 'one')), false);
  spare.makeSoon();
  await madeAnew();
  assert.equal(spare.moveTo(join(path, 'one')), true);
});

test('that of an earlier server is made anew, and left alone when it is not empty', async () => {
  mkdirSync(join(path, 'next'), { mode: 0o777 });
  spare.makeSoon();
  await madeAnew();
  assert.equal(statSync(join(path, 'next')).mode & 0o777, 0o700);

  mkdirSync(join(path, 'other/next'), { recursive: true });
  writeFileSync(join(path, 'other/next/file'), 'theirs');
  const other = new SpareDirectory(join(path, 'other'), (error) => failures.push(error));
  other.makeSoon();
  await madeAnew();
  assert.equal(failures.length, 1);
  other.makeSoon();
  await madeAnew();
  assert.equal(failures.length, 1, 'told once');
  assert.equal(other.moveTo(join(path, 'one')), false);
  assert.ok(existsSync(join(path, 'other/next/file')));
});
