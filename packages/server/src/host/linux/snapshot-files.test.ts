import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SnapshotFiles } from './snapshot-files.js';

let directory: string;
let path: string;
let files: SnapshotFiles;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-snapshots-'));
  path = join(directory, 'snapshot.json');
  files = new SnapshotFiles();
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('each is written behind the one before, in the same file', () => {
  files.write(path, 'one\n');
  const { ino } = statSync(path);
  for (const text of ['two\n', 'three\n']) files.write(path, text);
  assert.equal(files.read(path), 'one\ntwo\nthree\n');
  assert.equal(statSync(path).ino, ino);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(directory), ['snapshot.json']);
});

test('one that no start could read is refused, and what was recorded stays', () => {
  const largest = 'x'.repeat(1024 * 1024);
  files.write(path, largest);
  for (const isPrepared of [false, true]) {
    if (isPrepared) files.prepare(path, `${largest}y`);
    assert.throws(() => files.write(path, `${largest}y`), { code: 'exhausted', message: /^a snapshot of 1048577 bytes/ });
    assert.equal(files.read(path), largest);
  }
});

test('what was prepared takes its place by a rename, and only as the very text that is recorded', () => {
  files.prepare(path, 'one\n');
  assert.equal(files.read(path), undefined, 'it counts for nothing yet');
  const { ino } = statSync(`${path}.new`);
  files.write(path, 'one\n');
  assert.equal(files.read(path), 'one\n');
  assert.equal(statSync(path).ino, ino);
  files.write(path, 'two\n');
  assert.equal(files.read(path), 'one\ntwo\n');
  const other = join(directory, 'other.json');
  files.prepare(other, 'one\n');
  files.write(other, 'two\n');
  assert.equal(files.read(other), 'two\n');
  files.prepare(other, 'three\n');
  files.forget(other);
  files.write(other, 'three\n');
  assert.deepEqual([files.read(other), readdirSync(directory).sort()], ['three\n', ['other.json', 'snapshot.json']]);
});

test('a file that has become long is replaced by one with the last alone', () => {
  let largest = 0;
  for (let number = 0; number < 2000; number++) {
    files.write(path, `${String(number).padStart(99)}\n`);
    largest = Math.max(largest, statSync(path).size);
    assert.match(files.read(path) ?? '', new RegExp(` ${number}\n$`));
  }
  assert.ok(largest > 30_000 && largest <= 32_768, `${largest} bytes`);
  const long = 'x'.repeat(300_000);
  for (let number = 0; number < 8; number++) files.write(path, `${long}\n`);
  assert.equal(files.read(path), `${long}\n${long}\n`, 'of long ones only so many that a start reads them');
});

test('what an earlier server has left, or somebody else has changed, is replaced as a whole', () => {
  files.write(path, 'one\n');
  new SnapshotFiles().write(path, 'two\n');
  assert.equal(files.read(path), 'two\n', 'an earlier one may have been killed in the middle of a line');
  const changes = {
    'another file of that length': () => {
      rmSync(path);
      writeFileSync(`${path}.other`, 'hole\n\n');
      renameSync(`${path}.other`, path);
    },
    'one that is longer': () => appendFileSync(path, 'thr'),
    'one that is shorter': () => writeFileSync(path, ''),
    'none at all': () => rmSync(path),
    'a symbolic link': () => {
      renameSync(path, join(directory, 'theirs'));
      symlinkSync('theirs', path);
    },
    'a FIFO': () => {
      rmSync(path);
      assert.equal(spawnSync('mkfifo', [path]).status, 0);
    },
  };
  for (const isExpected of [false, true]) {
    for (const [what, change] of Object.entries(changes)) {
      files.write(path, 'whole\n');
      if (isExpected) files.expect(path);
      change();
      files.write(path, 'new\n');
      assert.equal(readFileSync(path, 'utf8'), 'new\n', what);
    }
    assert.equal(readFileSync(join(directory, 'theirs'), 'utf8'), 'new\nwhole\n');
  }
});

test('one that is expected is written to the file that was opened for it, which is closed after that', async () => {
  const openFiles = (): string[] => readdirSync('/proc/self/fd').flatMap((number) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${number}`);
      return target.startsWith(directory) ? [target.slice(directory.length)] : [];
    } catch {
      return []; // that of the list itself
    }
  });
  files.expect(path);
  assert.deepEqual(openFiles(), [], 'there is none to be written to');
  files.write(path, 'one\n');
  files.expect(path);
  files.expect(path);
  assert.deepEqual(openFiles(), ['/snapshot.json']);
  files.write(path, 'two\n');
  await new Promise(setImmediate);
  assert.deepEqual([files.read(path), openFiles()], ['one\ntwo\n', []]);
  files.expect(path);
  files.forget(path);
  assert.deepEqual(openFiles(), []);
  const paths = Array.from({ length: 300 }, (_, number) => join(directory, `${number}.json`));
  for (const [descriptorLimit, kept] of [[65_536, 256], [1024, 64], [15, 0]] as const) {
    files = new SnapshotFiles(descriptorLimit);
    for (const each of paths) {
      files.write(each, 'one\n');
      files.expect(each);
    }
    assert.equal(openFiles().length, kept, `of ${descriptorLimit} descriptors`);
    for (const each of paths) files.forget(each);
  }
});

test('where a process may have few descriptors few are kept', () => {
  const script = `
    import { readdirSync } from 'node:fs';
    import { SnapshotFiles } from ${JSON.stringify(new URL('./snapshot-files.js', import.meta.url).href)};
    const files = new SnapshotFiles();
    const before = readdirSync('/proc/self/fd').length;
    for (let number = 0; number < 150; number++) {
      const path = process.argv[1] + number;
      files.write(path, 'one\\n');
      files.expect(path);
    }
    console.log(readdirSync('/proc/self/fd').length - before);`;
  const { stdout, stderr } = spawnSync('prlimit', ['--nofile=128:128', process.execPath, '--input-type=module', '-e', script, path], { encoding: 'utf8' });
  assert.equal(stdout, '8\n', stderr);
});

test('what cannot be written leaves what was there, and the next one follows that', () => {
  // A file of that process may not grow beyond 1024 bytes.
  const script = `
    import { SnapshotFiles } from ${JSON.stringify(new URL('./snapshot-files.js', import.meta.url).href)};
    process.on('SIGXFSZ', () => undefined);
    const files = new SnapshotFiles();
    files.write(process.argv[1], 'one\\n');
    try { files.write(process.argv[1], 'y'.repeat(1500) + '\\n'); } catch (error) { console.log(error.code); }
    console.log(JSON.stringify(files.read(process.argv[1])));
    files.write(process.argv[1], 'two\\n');
    files.write(process.argv[1], 'three\\n');
    console.log(JSON.stringify(files.read(process.argv[1])));`;
  const { stdout, stderr } = spawnSync('prlimit', ['--fsize=1024', process.execPath, '--input-type=module', '-e', script, path], { encoding: 'utf8' });
  assert.equal(stdout, 'EFBIG\n"one\\n"\n"two\\nthree\\n"\n', stderr);
});
