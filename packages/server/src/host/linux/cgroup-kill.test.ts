import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { killGroups, type ContainerGroup, type KillTools } from './cgroup-kill.js';

let directory: string;
let killed: number[];
let events: string[];

/** Groups of files: what the kernel does on a write, the tools below do. */
function group(name: string, pids: number[], files: Record<string, string> = {}): ContainerGroup {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries({ 'cgroup.procs': pids.map((pid) => `${pid}\n`).join(''), ...files })) writeFileSync(join(path, file), content);
  return { path, version: name.startsWith('v2') ? 2 : 1, hasFreezer: 'freezer.state' in files };
}

function tools(onKill: (pid: number) => void = () => undefined, onPause: () => void = () => undefined): KillTools {
  return {
    kill: (pid) => {
      killed.push(pid);
      onKill(pid);
    },
    pause: async () => {
      events.push('pause');
      onPause();
    },
  };
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-kill-'));
  killed = [];
  events = [];
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('version 2 kills the tree, and no id is used', async () => {
  const unified = group('v2', [7], { 'cgroup.kill': '' });
  await killGroups([group('cpu', [7]), group('freezer', [7], { 'freezer.state': 'THAWED' }), unified], tools());
  assert.equal(readFileSync(join(unified.path, 'cgroup.kill'), 'utf8'), '1');
  assert.deepEqual(killed, []);
});

test('version 1 kills in a frozen group and thaws it', async () => {
  const freezer = group('freezer', [7], { 'freezer.state': 'THAWED' });
  group('freezer/job-1', [8, 9]);
  const state = (): string => readFileSync(join(freezer.path, 'freezer.state'), 'utf8');
  await killGroups([group('cpu', [7, 8, 9, 10]), freezer], tools(() => events.push(state())));
  assert.deepEqual(killed, [7, 8, 9]);
  assert.deepEqual(events, ['FROZEN', 'FROZEN', 'FROZEN']);
  assert.equal(state(), 'THAWED');
});

test('nothing is killed before the group is frozen, and waiting for that is bounded', async () => {
  for (const freezesAfter of [3, Infinity]) {
    const freezer = group(`freezer-${freezesAfter}`, [7]);
    const state = join(freezer.path, 'freezer.state');
    // Takes what is written and reads as nothing: a group that is freezing.
    symlinkSync('/dev/null', state);
    events = [];
    let pausesAtKill = 0;
    await killGroups([{ ...freezer, hasFreezer: true }], tools(
      () => {
        pausesAtKill = events.length;
      },
      () => {
        if (events.length !== freezesAfter) return;
        unlinkSync(state);
        writeFileSync(state, 'FROZEN\n');
      },
    ));
    assert.equal(pausesAtKill, Math.min(freezesAfter, 100));
  }
});

test('a member that left its group before its turn is not killed: its id may be a stranger\'s', async () => {
  const freezer = group('freezer', [7, 8, 9], { 'freezer.state': 'THAWED' });
  await killGroups([freezer], tools((pid) => {
    if (pid === 7) writeFileSync(join(freezer.path, 'cgroup.procs'), '7\n9\n');
  }));
  assert.deepEqual(killed, [7, 9]);
});

test('what never joined the freezer, or v2 without cgroup.kill, is killed by id', async () => {
  await killGroups([group('cpu', [7, 0]), group('freezer', [], { 'freezer.state': 'THAWED' }), group('v2', [8])], tools());
  assert.deepEqual(killed, [7, 8]);
});

test('groups that are not there are no error', async () => {
  await killGroups([{ path: join(directory, 'none'), version: 1, hasFreezer: true }, { path: join(directory, 'v2'), version: 2, hasFreezer: false }], tools());
  assert.deepEqual(killed, []);
});

test('a group may go at any moment', async () => {
  const freezer = group('freezer', [7, 8], { 'freezer.state': 'THAWED' });
  await killGroups([freezer], tools(() => rmSync(freezer.path, { recursive: true, force: true })));
  assert.deepEqual(killed, [7], 'while it is frozen');

  killed = [];
  const [first, second] = [group('one', [1, 2]), group('two', [3])];
  await killGroups([first, second], tools(() => rmSync(second.path, { recursive: true, force: true })));
  assert.deepEqual(killed, [1, 2], 'while another is being killed');
});
