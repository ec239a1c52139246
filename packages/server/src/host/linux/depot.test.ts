import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLog } from '../../lib/log.js';
import { LinuxDepot } from './depot.js';

const id = '1hq3k5m7o9q';
let path: string;
let depot: LinuxDepot;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'warden-depot-'));
  depot = new LinuxDepot(path, silentLog);
  depot.prepare();
});

afterEach(() => rmSync(path, { recursive: true, force: true }));

test('a container directory is for root alone, is found again, and goes', async () => {
  const directory = depot.makeDirectory(id);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: undefined }]);
  depot.writeSnapshot(id, 'one');
  depot.writeSnapshot(id, 'two');
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: 'two' }]);
  mkdirSync(join(directory, 'upper/deep'), { recursive: true });
  writeFileSync(join(directory, 'upper/deep/file'), 'x');
  depot.discardDirectory(id);
  depot.discardDirectory(id);
  assert.equal(existsSync(directory), false);
  await depot.removed();
  assert.deepEqual(depot.readSnapshots(), []);
  assert.equal(existsSync(join(path, 'trash')), true);
});

test('what is no container id in the depot is left alone', () => {
  mkdirSync(join(path, 'containers/lost+found'));
  assert.deepEqual(depot.readSnapshots(), []);
  assert.ok(existsSync(join(path, 'containers/lost+found')));
});

test('symbolic links in the depot are not followed, and nothing they lead to is removed or read', async () => {
  const outside = join(path, 'outside');
  mkdirSync(join(outside, id), { recursive: true });
  writeFileSync(join(outside, id, 'snapshot.json'), 'theirs');
  symlinkSync(join(outside, id), join(path, 'containers', id));
  assert.deepEqual(depot.readSnapshots(), [], 'a link in place of a container');
  depot.discardDirectory(id);
  await depot.removed();
  assert.equal(readFileSync(join(outside, id, 'snapshot.json'), 'utf8'), 'theirs');

  const directory = depot.makeDirectory(id);
  symlinkSync(join(outside, id, 'snapshot.json'), join(directory, 'snapshot.json'));
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: '' }], 'a link in place of a snapshot');
  symlinkSync(join(outside, id, 'snapshot.json'), join(directory, 'snapshot.json.new'));
  assert.throws(() => depot.writeSnapshot(id, 'ours'), { message: /snapshot\.json/ });
  symlinkSync(outside, join(directory, 'upper'));
  depot.discardDirectory(id);
  symlinkSync(outside, join(path, 'trash', 'link'));
  depot.emptyTrash();
  await depot.removed();
  assert.deepEqual(readdirSync(join(path, 'trash')), []);
  assert.equal(readFileSync(join(outside, id, 'snapshot.json'), 'utf8'), 'theirs');

  for (const name of ['containers', 'trash']) {
    rmSync(join(path, name), { recursive: true });
    symlinkSync(outside, join(path, name));
    assert.throws(() => depot.prepare(), { code: 'invalid_argument', message: new RegExp(`${name} is a symbolic link`) });
    rmSync(join(path, name));
    depot.prepare();
  }
});

test('a snapshot that is a FIFO, a directory or a huge file is one that cannot be read', () => {
  const file = join(depot.makeDirectory(id), 'snapshot.json');
  mkdirSync(file);
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: '' }]);
  rmSync(file, { recursive: true });
  assert.equal(spawnSync('mkfifo', [file]).status, 0);
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: '' }]);
  rmSync(file);
  writeFileSync(file, '');
  truncateSync(file, 2 ** 40);
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: '' }]);
});

test('trash of an earlier server is emptied', async () => {
  mkdirSync(join(path, 'trash/old/dir'), { recursive: true });
  depot.emptyTrash();
  await depot.removed();
  assert.equal(existsSync(join(path, 'trash/old')), false);
});

test('job ids are reserved on disk; a damaged file is named, not overwritten', () => {
  assert.equal(depot.readReservedJobIds(), 1);
  depot.writeReservedJobIds(1025);
  assert.equal(new LinuxDepot(path, silentLog).readReservedJobIds(), 1025);
  for (const damage of ['', '{"jobIdsBelow":"1"}', '{"jobIdsB', '[]', 'null']) {
    writeFileSync(join(path, 'state.json'), damage);
    assert.throws(() => depot.readReservedJobIds(), { message: /state\.json is damaged/ });
    assert.equal(readFileSync(join(path, 'state.json'), 'utf8'), damage);
  }
});

test('errors name the step, the path and the cause', () => {
  depot.makeDirectory(id);
  assert.throws(() => depot.makeDirectory(id), { message: /^make the container directory \(.*1hq3k5m7o9q\): file already exists \(EEXIST\)$/ });
  assert.throws(() => depot.writeSnapshot('1hq3k5m7o9r', ''), { message: /snapshot\.json\): no such file or directory/ });
});
