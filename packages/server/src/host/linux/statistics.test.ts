import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { LinuxStatistics } from './statistics.js';

const directory = mkdtempSync(join(tmpdir(), 'warden-statistics-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

const mountPoint = (name: string): string => join(directory, name);

test('version 1: memory and cpuacct of the container\'s own groups, wherever they are mounted', () => {
  write({
    'memory/w/one/memory.stat': 'cache 5\nrss 6\n',
    'both/w/one/cpuacct.usage': '123456789012345\n',
    'both/w/one/cpuacct.stat': 'user 17\nsystem 4\n',
  });
  const statistics = new LinuxStatistics([
    { version: 2, mountPoint: mountPoint('unified'), controllers: [] },
    { version: 1, mountPoint: mountPoint('memory'), controllers: ['memory'] },
    { version: 1, mountPoint: mountPoint('both'), controllers: ['cpu', 'cpuacct'] },
  ], 'w');
  assert.deepEqual([statistics.memory('one')?.cache, statistics.memory('one')?.rss], [5n, 6n]);
  assert.deepEqual(statistics.cpu('one'), { usage: 123_456_789_012_345n, user: 17n, system: 4n });
});

test('version 2: cpu.stat in the same units, and limits of the container and of all', () => {
  write({
    'pure/w/one/memory.stat': 'anon 5\nfile 6\n', 'pure/w/one/memory.max': '1048576\n', 'pure/w/one/memory.swap.max': '0\n', 'pure/w/one/memory.swap.current': '7\n', 'pure/w/memory.max': '524288\n',
    'pure/w/one/cpu.stat': 'usage_usec 1234567\nuser_usec 1019999\nsystem_usec 214568\nnr_periods 0\n',
  });
  const statistics = new LinuxStatistics([{ version: 2, mountPoint: mountPoint('pure'), controllers: ['cpu', 'memory', 'pids'] }], 'w');
  const memory = statistics.memory('one');
  assert.deepEqual([memory?.totalRss, memory?.cache, memory?.swap, memory?.hierarchicalMemoryLimit, memory?.hierarchicalMemswLimit], [5n, 6n, 7n, 524_288n, 1_048_576n]);
  assert.deepEqual(statistics.cpu('one'), { usage: 1_234_567_000n, user: 101n, system: 21n });
});

test('what cannot be known is undefined: no controller, or a group that is gone', () => {
  write({ 'hybrid/w/one/cpu.stat': 'usage_usec 5\n' });
  const hybrid = new LinuxStatistics([{ version: 2, mountPoint: mountPoint('hybrid'), controllers: [] }], 'w');
  assert.equal(hybrid.memory('one'), undefined);
  assert.equal(hybrid.cpu('one')?.usage, 5000n);
  const gone = new LinuxStatistics([{ version: 1, mountPoint: mountPoint('memory'), controllers: ['memory', 'cpuacct'] }], 'w');
  assert.deepEqual([gone.memory('two'), gone.cpu('two')], [undefined, undefined]);
  assert.deepEqual([new LinuxStatistics([], 'w').memory('one'), new LinuxStatistics([], 'w').cpu('one')], [undefined, undefined]);
});

test('what a monitor has told goes before the files, one by one', () => {
  write({ 'told/w/one/memory.stat': 'cache 1\n', 'told/w/one/cpuacct.usage': '1\n', 'told/w/one/cpuacct.stat': 'user 1\nsystem 1\n', 'told/w/one/pids.current': '1\n', 'told/w/one/pids.max': '1\n' });
  const statistics = new LinuxStatistics([{ version: 1, mountPoint: mountPoint('told'), controllers: ['memory', 'cpuacct', 'pids'] }], 'w');
  const told = new Map(Object.entries({ 'memory.stat': 'cache 2\n', 'cpuacct.usage': '2\n', 'pids.max': 'max\n' }).map(([name, text]) => [name, Buffer.from(text)]));
  assert.equal(statistics.memory('one', told)?.cache, 2n);
  assert.deepEqual(statistics.cpu('one', told), { usage: 2n, user: 1n, system: 1n });
  assert.deepEqual(statistics.pids('one', told), { current: 1n, max: undefined });
  assert.deepEqual([statistics.memory('one')?.cache, statistics.cpu('one')?.usage, statistics.pids('one')?.max], [1n, 1n, 1n]);
  // A group that has gone since is known by what was told of it.
  assert.equal(statistics.memory('two', told)?.cache, 2n);
});

test('processes and threads, and the most there may be, by either version', () => {
  write({ 'pids/w/one/pids.current': '17\n', 'pids/w/one/pids.max': '1024\n', 'pids/w/two/pids.current': '0\n', 'pids/w/two/pids.max': 'max\n' });
  const one = new LinuxStatistics([{ version: 1, mountPoint: mountPoint('memory'), controllers: ['memory'] }, { version: 1, mountPoint: mountPoint('pids'), controllers: ['pids'] }], 'w');
  const two = new LinuxStatistics([{ version: 2, mountPoint: mountPoint('pids'), controllers: ['cpu', 'pids'] }], 'w');
  for (const statistics of [one, two]) {
    assert.deepEqual([statistics.pids('one'), statistics.pids('two'), statistics.pids('gone')], [{ current: 17n, max: 1024n }, { current: 0n, max: undefined }, undefined]);
  }
  assert.equal(new LinuxStatistics([], 'w').pids('one'), undefined);
});

test('descriptors are kept of few containers, and of none that has gone', () => {
  const containers = Array.from({ length: 100 }, (_, index) => `many-${index}`);
  write(Object.fromEntries(containers.flatMap((id) => ['memory.stat', 'cpuacct.usage', 'cpuacct.stat'].map((name) => [`memory/w/${id}/${name}`, 'cache 1\n']))));
  const statistics = new LinuxStatistics([{ version: 1, mountPoint: mountPoint('memory'), controllers: ['memory'] }], 'w');
  const before = readdirSync('/proc/self/fd').length;
  for (const id of [...containers, ...containers]) assert.equal(statistics.memory(id)?.cache, 1n);
  assert.equal(readdirSync('/proc/self/fd').length, before + 32);
  for (const id of containers) statistics.forget(id);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
