import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { LinuxCpuLimits } from './cpu-limits.js';

let directory: string;

function groups(version: 1 | 2, files: Record<string, string>, parentFiles: Record<string, string>): LinuxCpuLimits {
  const path = join(directory, 'container');
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), `${text}\n`);
  for (const [name, text] of Object.entries(parentFiles)) writeFileSync(join(directory, name), `${text}\n`);
  return new LinuxCpuLimits({ groupOf: () => ({ path, version }), parentGroup: () => ({ path: directory, version }) });
}

function text(name: string): string {
  return readFileSync(join(directory, 'container', name), 'utf8').trim();
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-cpu-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const version1 = { 'cpu.shares': '1024', 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '100000', 'cpuset.cpus': '0-3' };
const version2 = { 'cpu.weight': '100', 'cpu.max': 'max 100000', 'cpuset.cpus': '', 'cpuset.cpus.effective': '0-3' };

test('version 1: shares, quota and processors', () => {
  const limits = groups(1, version1, { 'cpuset.cpus': '0-3' });
  assert.deepEqual(limits.read('a'), { shares: 1024n, quota: undefined, cpus: undefined });
  limits.write('a', { shares: 2n, quota: { quotaInUs: 50_000n, periodInUs: 200_000n }, cpus: '1,3' });
  assert.deepEqual(limits.read('a'), { shares: 2n, quota: { quotaInUs: 50_000n, periodInUs: 200_000n }, cpus: '1,3' });
  limits.write('a', { quota: null, cpus: '' });
  assert.deepEqual(limits.read('a'), { shares: 2n, quota: undefined, cpus: undefined });
  assert.equal(text('cpuset.cpus'), '0-3');
});

test('version 2: shares are converted to a weight and back', () => {
  const limits = groups(2, version2, { 'cpuset.cpus.effective': '0-3' });
  assert.deepEqual(limits.read('a'), { shares: 1024n, quota: undefined, cpus: undefined });
  limits.write('a', { shares: 512n, quota: { quotaInUs: 1000n, periodInUs: 1000n }, cpus: '0,2' });
  assert.deepEqual([text('cpu.weight'), text('cpu.max'), text('cpuset.cpus')], ['50', '1000 1000', '0,2']);
  writeFileSync(join(directory, 'container', 'cpuset.cpus.effective'), '0,2\n');
  assert.deepEqual(limits.read('a'), { shares: 512n, quota: { quotaInUs: 1000n, periodInUs: 1000n }, cpus: '0,2' });
  limits.write('a', { quota: null, cpus: '' });
  assert.deepEqual([text('cpu.max'), text('cpuset.cpus')], ['max 100000', '']);
});

test('version 2: a list of all processors, which an older kernel has in place of an empty one, is no limit', () => {
  const limits = groups(2, { ...version2, 'cpuset.cpus': '0-3' }, { 'cpuset.cpus.effective': '0-3' });
  assert.equal(limits.read('a').cpus, undefined);
});

test('a change that is refused half-way changes nothing', () => {
  const limits = groups(1, version1, { 'cpuset.cpus': '0-3' });
  const path = join(directory, 'container', 'cpu.shares');
  rmSync(path);
  mkdirSync(path);
  // The shares come last. Reading them has to go on working.
  const read = limits.read.bind(limits);
  limits.read = () => ({ shares: 1024n, quota: undefined, cpus: undefined });
  assert.throws(() => limits.write('a', { shares: 5n, quota: { quotaInUs: 5000n, periodInUs: 10_000n }, cpus: '2' }), { code: 'EISDIR' });
  assert.deepEqual([text('cpu.cfs_quota_us'), text('cpu.cfs_period_us'), text('cpuset.cpus')], ['-1', '100000', '0-3']);
  limits.read = read;
});

test('processors that there are not, and what is no list, are refused', () => {
  const limits = groups(2, version2, { 'cpuset.cpus.effective': '0-3' });
  assert.throws(() => limits.write('a', { cpus: '2-4' }), { code: 'invalid_argument', message: /no processor 4, they have 0-3/ });
  assert.throws(() => limits.write('a', { cpus: '1;2' }), { code: 'invalid_argument', message: /is no list/ });
  assert.equal(text('cpuset.cpus'), '');
});

test('what the kernel lacks is named', () => {
  const { 'cpu.max': _, ...old } = version2;
  const limits = groups(2, old, { 'cpuset.cpus.effective': '0-3' });
  assert.equal(limits.read('a').quota, undefined);
  assert.throws(() => limits.write('a', { quota: { quotaInUs: 1000n, periodInUs: 1000n } }), { code: 'unsupported', message: /CONFIG_CFS_BANDWIDTH/ });
  const none = new LinuxCpuLimits({ groupOf: () => undefined, parentGroup: () => undefined });
  assert.throws(() => none.read('a'), { code: 'unsupported', message: /the cpu controller/ });
});
