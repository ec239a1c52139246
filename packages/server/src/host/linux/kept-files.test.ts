import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KeptFiles } from './kept-files.js';

const directory = mkdtempSync(join(tmpdir(), 'warden-kept-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function write(owner: string, text: string): string {
  const path = join(directory, owner);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'number'), text);
  return path;
}

/** How many of the test's files this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(directory);
    } catch {
      return false;
    }
  }).length;
}

test('a file is opened once and tells each time what it says then', () => {
  const files = new KeptFiles(2);
  const path = write('one', '1\n');
  assert.deepEqual([files.read('one', path, 'number'), openFiles()], ['1\n', 1]);
  write('one', '22\n');
  assert.deepEqual([files.read('one', path, 'number'), openFiles()], ['22\n', 1]);
  files.forget('one');
  assert.equal(openFiles(), 0);
  assert.equal(files.read('one', path, 'number'), '22\n', 'it can be asked for again');
  files.forget('one');
});

test('a file that is not there is undefined, and keeps nothing open', () => {
  const files = new KeptFiles(2);
  const path = write('one', '1\n');
  assert.deepEqual([files.read('one', path, 'other'), files.read('one', path, 'other'), files.read('two', join(directory, 'nowhere'), 'number')], [undefined, undefined, undefined]);
  assert.equal(openFiles(), 0);
  files.forget('nobody');
});

test('of the owners only those asked for last have files open', () => {
  const files = new KeptFiles(2);
  for (const owner of ['one', 'two', 'one', 'three', 'one']) assert.equal(files.read(owner, write(owner, owner), 'number'), owner);
  assert.equal(openFiles(), 2);
  for (const owner of ['one', 'two', 'three']) files.forget(owner);
  assert.equal(openFiles(), 0);
});
