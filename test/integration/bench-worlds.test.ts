/* The namespaces in which `npm run bench -- --peers` keeps other container systems: nothing of them is seen outside, and nothing stays, also after a kill. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repository } from '../harness/paths.js';
import { mustRun } from '../harness/run-program.js';
import { untilSeen } from '../harness/wait.js';

const module = (name: string): string => pathToFileURL(join(repository, `bench/dist/peers/${name}.js`)).href;
const { World } = (await import(module('world'))) as typeof import('../../bench/peers/world.js');
const { hierarchies, peersGroupOf } = (await import(module('cgroups'))) as typeof import('../../bench/peers/cgroups.js');
const { groupsNamed, removeTree } = (await import(module('../groups'))) as typeof import('../../bench/groups.js');
const { runName, runNameOf } = (await import(module('../run-name'))) as typeof import('../../bench/run-name.js');

const directory = mkdtempSync(join(tmpdir(), 'warden-worlds-'));
process.once('exit', () => { rmSync(directory, { recursive: true, force: true }); });
const groupsOf = (name: string, run = runName): string[] => hierarchies().map(({ mountPoint }) => `${mountPoint}/${peersGroupOf(run)}/${name}`).filter((path) => existsSync(path));
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

before(() => mustRun('make', ['-C', join(repository, 'bench'), '--silent', 'build/world']));

test('programs are executed and timed, and one that fails says so in its own words', async () => {
  const world = await World.open({ name: 'one', cgroups: 'as they are' }, directory);
  try {
    assert.ok(await world.run('true') > 0);
    assert.ok(await world.run('sleep', '0.05') >= 50_000);
    assert.equal(await world.read('printf', '%s', 'two words'), 'two words');
    await assert.rejects(world.run('bash', '-c', 'echo cannot >&2; exit 3'), /^Error: bash ended with status 3: cannot$/);
    await assert.rejects(world.run('bash', '-c', 'kill -9 $$'), /status 137/);
    await assert.rejects(world.run('/nonexistent/program'), /program ended with status 127: No such file or directory/);
    await assert.rejects(world.startDaemon(`${world.directory}/socket`, '/nonexistent/daemon'), /daemon ended with status 127: No such file or directory/);
    await assert.rejects(world.run('echo', 'a\tb'), /a tab or a new line/);
  } finally {
    await world.close();
  }
});

test('links, mounts, files, processes and groups of a world are its own, and end with it', async () => {
  const world = await World.open({ name: 'two', cgroups: 'as they are' }, directory);
  const pid = world.pid;
  try {
    await world.run('ip', 'link', 'add', 'bench-own', 'type', 'veth', 'peer', 'name', 'bench-peer');
    await world.run('mount', '-t', 'tmpfs', 'warden-world-test', '/mnt');
    await world.run('touch', '/etc/warden-world-test', '/usr/warden-world-test', '/run/warden-world-test');
    assert.equal(networkInterfaces()['bench-own'], undefined);
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), /warden-world-test/);
    assert.deepEqual(['/etc', '/usr', '/run'].filter((path) => readdirSync(path).includes('warden-world-test')), []);
    // What a daemon leaves to PID 1, and a group as a runtime makes it.
    await world.run('bash', '-c', 'setsid sleep 1000 & cd /sys/fs/cgroup; if [ -e cgroup.procs ]; then mkdir made; else for group in */; do mkdir "$group/made"; done; fi');
    assert.equal((await world.read('ps', '-e', '-o', 'comm=')).split('\n').filter((name) => name === 'sleep').length, 1);
    assert.equal(groupsOf('two/made').length, hierarchies().length);
    assert.equal(groupsOf('../made').length, 0);
  } finally {
    await world.close();
  }
  assert.equal(isAlive(pid), false);
  assert.deepEqual(groupsOf('two'), []);
  assert.equal(existsSync(join(directory, 'two')), false);
});

test('a peer that refuses a v2 tree beside v1 hierarchies is not shown one', async () => {
  const world = await World.open({ name: 'three', cgroups: 'v1' }, directory);
  try {
    const types = await world.read('stat', '--file-system', '--format', '%T', '/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').includes('unified') ? ['/sys/fs/cgroup/cpuset'] : []);
    if (hierarchies().some(({ controllers }) => controllers !== undefined)) assert.doesNotMatch(types, /cgroup2fs/);
    await assert.rejects(world.run('test', '-e', '/sys/fs/cgroup/unified'), /status 1/);
  } finally {
    await world.close();
  }
});

test('a world ends with whoever opened it, also by SIGKILL', async () => {
  const script = `
    const { World } = await import(${JSON.stringify(module('world'))});
    const world = await World.open({ name: 'four', cgroups: 'as they are' }, ${JSON.stringify(directory)});
    await world.run('bash', '-c', 'setsid sleep 1000 &');
    process.stdout.write(String(world.pid));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(text.toString());
  assert.ok(pid > 1 && isAlive(pid));
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  // The kernel ends all of a PID namespace before its first process is gone.
  await untilSeen('the end of the world', () => !isAlive(pid), () => `process ${pid} is there`);
  // Empty groups are what it leaves, and what the next run removes.
  const run = runNameOf(child.pid as number);
  assert.equal(groupsOf('four', run).length, hierarchies().length);
  for (const group of groupsNamed(run)) removeTree(group);
  assert.deepEqual(groupsOf('four', run), []);
});

test('a world whose program hangs ends, with everybody in it and their groups', async () => {
  const many = 'for ((count = 0; count < 200; count++)); do setsid sleep 1000 & done; wait';
  const late = await World.open({ name: 'five', cgroups: 'as they are' }, directory, undefined, 1000);
  await assert.rejects(late.run('bash', '-c', many), /more than 1 s/);
  await late.close();
  assert.deepEqual([isAlive(late.pid), groupsOf('five')], [false, []]);
  // The same when it is closed meanwhile.
  const busy = await World.open({ name: 'six', cgroups: 'as they are' }, directory);
  const running = assert.rejects(busy.run('bash', '-c', many), /its namespaces ended/);
  await busy.close();
  await running;
  assert.deepEqual([isAlive(busy.pid), groupsOf('six')], [false, []]);
});
