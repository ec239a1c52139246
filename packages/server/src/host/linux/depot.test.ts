import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLog } from '../../lib/log.js';
import { LinuxDepot } from './depot.js';

const id = '1hq3k5m7o9q';
let path: string;
let depot: LinuxDepot;
let now = 0;

const removeEntries = (directory: string, names: readonly string[]): Promise<void> => {
  for (const name of names) rmSync(join(directory, name), { recursive: true, force: true });
  return Promise.resolve();
};

beforeEach(() => {
  now = 0;
  path = mkdtempSync(join(tmpdir(), 'warden-depot-'));
  depot = new LinuxDepot(path, silentLog, { bootId: 'boot', now: () => now, removeEntries });
  depot.prepare();
});

afterEach(() => rmSync(path, { recursive: true, force: true }));

test('a container directory is for root alone, is found again, and goes', async () => {
  const { path: directory } = await depot.makeDirectory(id);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: undefined }]);
  depot.writeSnapshot(id, 'one');
  depot.writeSnapshot(id, 'two');
  assert.deepEqual(depot.readSnapshots(), [{ containerId: id, snapshot: 'onetwo' }]);
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

  const { path: directory } = await depot.makeDirectory(id);
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

test('a snapshot that is a FIFO, a directory or a huge file is one that cannot be read', async () => {
  const file = join((await depot.makeDirectory(id)).path, 'snapshot.json');
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
  assert.equal(new LinuxDepot(path, silentLog, { bootId: 'boot', now: () => now, removeEntries }).readReservedJobIds(), 1025);
  for (const damage of ['', '{"jobIdsBelow":"1"}', '{"jobIdsB', '[]', 'null']) {
    writeFileSync(join(path, 'state.json'), damage);
    assert.throws(() => depot.readReservedJobIds(), { message: /state\.json is damaged/ });
    assert.equal(readFileSync(join(path, 'state.json'), 'utf8'), damage);
  }
});

test('networks that rest are found by the next server of the same boot', () => {
  const reopened = (bootId = 'boot') => new LinuxDepot(path, silentLog, { bootId, now: () => now, removeEntries });
  assert.deepEqual(depot.readReleases(), []);
  for (let number = 1; number <= 6000; number++) {
    now += 10;
    depot.recordRelease({ network: number, freeFromMs: now + 30 });
  }
  assert.deepEqual(reopened().readReleases().map(({ network }) => network), [5998, 5999, 6000]);
  assert.ok(statSync(join(path, 'releases')).size < 100_000, 'what no longer rests is left out');
  const next = reopened();
  next.readReleases();
  next.recordRelease({ network: 7000, freeFromMs: now + 50 });
  next.recordRelease({ network: 7001, freeFromMs: now + 50 });
  appendFileSync(join(path, 'releases'), 'torn 1');
  assert.deepEqual(reopened().readReleases().map(({ network }) => network), [5998, 5999, 6000, 7000, 7001]);
  assert.deepEqual(reopened('another boot').readReleases(), []);
  now += 100;
  assert.deepEqual(reopened().readReleases(), []);
  rmSync(join(path, 'releases'));
  mkdirSync(join(path, 'releases'));
  assert.deepEqual(depot.readReleases(), [], 'what cannot be read is none, and no reason to fail');
  reopened().recordRelease({ network: 1, freeFromMs: 1e9 });
});

test('what a dead monitor left of its jobs is read as far as it is whole', async () => {
  const jobs = join((await depot.makeDirectory(id)).path, 'jobs');
  assert.deepEqual(depot.readJobRemains(id), []);
  mkdirSync(jobs);
  const files = { '1.exit': '1 1 3 0\n', '2.exit': '1 2 9 4096 1\n', '2.spool': 'x', '3.spool': 'x', '3.runs': '', '4.exit': '1 1', '4.exit.part': '1 1 0 0\n', '5.exit': '2 1 0 0\n', '2147483648.exit': '1 1 0 0\n', 'x.exit': '', '6.exit': '1 3 0 0\n', '8.exit': '1 2 9 7 timed-out\n' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(jobs, name), text);
  symlinkSync(join(jobs, '1.exit'), join(jobs, '7.exit'));
  assert.deepEqual(depot.readJobRemains(id).sort((a, b) => a.jobId - b.jobId), [
    { jobId: 1, exit: { kind: 'exited', status: 3 }, outputInBytes: 0 },
    { jobId: 2, exit: { kind: 'signalled', signal: 9 }, outputInBytes: 4096 },
    { jobId: 3, exit: undefined, outputInBytes: 0 },
    { jobId: 4, exit: undefined, outputInBytes: 0 },
    { jobId: 5, exit: undefined, outputInBytes: 0 },
    { jobId: 6, exit: { kind: 'lost' }, outputInBytes: 0 },
    { jobId: 7, exit: undefined, outputInBytes: 0 },
    { jobId: 8, exit: { kind: 'signalled', signal: 9, timedOut: true }, outputInBytes: 7 },
  ]);
});

test('errors name the step, the path and the cause', async () => {
  await depot.makeDirectory(id);
  await assert.rejects(depot.makeDirectory(id), { message: /^make the container directory \(.*1hq3k5m7o9q\): file already exists \(EEXIST\)$/ });
  assert.throws(() => depot.writeSnapshot('1hq3k5m7o9r', ''), { message: /snapshot\.json\): no such file or directory/ });
});

test('what follows when many directories are there at the same time is done in several turns of the loop', async () => {
  const turns: number[] = [];
  let [turn, ended] = [0, false];
  const nextTurn = (): void => void setImmediate(() => {
    turn++;
    if (!ended) nextTurn();
  });
  const made = Array.from({ length: 40 }, async (_, index) => {
    await depot.makeDirectory(`${id.slice(0, 9)}${10 + index}`);
    turns.push(turn);
    now += 1;
  });
  for (let count = 0; count < 10; count++) await undefined;
  // Node's threads make them meanwhile, and the loop is told of all in one event.
  for (let looks = 0; looks < 1_000_000; looks++) if (readdirSync(join(path, 'containers')).length === made.length) break;
  nextTurn();
  await Promise.all(made);
  ended = true;
  const most = Math.max(...turns.map((one) => turns.filter((other) => other === one).length));
  assert.ok(most <= 6, `${most} of ${made.length} in one turn`);
});

test('a container\'s disk is found by its directory, goes with it, and no other does', async () => {
  let number = 0;
  const makeDisk = (): Promise<string> => {
    const disk = join(path, 'disks', `1-1-${number++}`);
    mkdirSync(disk, { recursive: true });
    return Promise.resolve(disk);
  };
  depot = new LinuxDepot(path, silentLog, { bootId: 'boot', now: () => now, removeEntries, makeDisk });
  const first = await depot.makeDirectory(id);
  assert.equal(first.disk, join(path, 'disks/1-1-0'));
  await depot.preparedForNext;
  const second = await depot.makeDirectory('1hq3k5m7o9r');
  assert.equal(second.disk, join(path, 'disks/1-1-1'), 'made in advance');
  assert.equal(depot.diskOf(id), first.disk);
  assert.equal(depot.diskOf('1hq3k5m7o9s'), undefined);
  await depot.preparedForNext;
  depot.discardDirectory(id);
  await depot.removed();
  assert.deepEqual(readdirSync(join(path, 'disks')).sort(), ['1-1-1', '1-1-2']);
  // What is known of it counts, and nothing is looked for.
  const known = (directory: string | undefined) => ({ backend: 'btrfs', directory, upper: '', uid: 1, rootUid: undefined }) as const;
  const third = await depot.makeDirectory(id);
  await depot.preparedForNext;
  depot.discardDirectory(id, known(undefined));
  await depot.removed();
  assert.deepEqual(readdirSync(join(path, 'disks')).sort(), ['1-1-1', '1-1-2', '1-1-3']);
  mkdirSync(join(path, 'containers', id));
  depot.discardDirectory(id, known(third.disk));
  await depot.removed();
  assert.deepEqual(readdirSync(join(path, 'disks')).sort(), ['1-1-1', '1-1-3']);

  mkdirSync(join(path, 'disks/9-9-9'));
  new LinuxDepot(path, silentLog, { bootId: 'boot', now: () => now, removeEntries }).emptyTrash();
  depot.emptyTrash();
  await depot.removed();
  assert.deepEqual(readdirSync(join(path, 'disks')), ['1-1-1'], 'the spare one and one that nobody knows are gone');
  assert.equal(depot.diskOf('1hq3k5m7o9r'), second.disk);
});

test('a disk whose container directory cannot be made does not stay', async () => {
  const makeDisk = (): Promise<string> => {
    mkdirSync(join(path, 'disks/1-1-1'), { recursive: true });
    return Promise.resolve(join(path, 'disks/1-1-1'));
  };
  depot = new LinuxDepot(path, silentLog, { bootId: 'boot', now: () => now, removeEntries, makeDisk });
  mkdirSync(join(path, 'containers', id));
  await assert.rejects(depot.makeDirectory(id), { message: /file already exists/ });
  await depot.removed();
  assert.equal(existsSync(join(path, 'disks/1-1-1')), false);
});
