import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { unlimitedMemory } from '../limits.js';
import type { ControllerGroup } from './group-file.js';
import { LinuxMemoryLimits, readMemoryLimit, setMemoryLimit } from './memory-limits.js';

let directory: string;

/** A group of files, which keep what is written to them as the kernel's do. */
function group(version: 1 | 2, files: Record<string, string>): ControllerGroup {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), `${text}\n`);
  return { path: directory, version };
}

function text(name: string): string {
  return readFileSync(join(directory, name), 'utf8').trim();
}

const none = String(unlimitedMemory);
const version1 = {
  'memory.limit_in_bytes': none,
  'memory.memsw.limit_in_bytes': none,
  'memory.kmem.tcp.limit_in_bytes': none,
  'memory.usage_in_bytes': '8192',
  'memory.memsw.usage_in_bytes': '8192',
};
const version2 = { 'memory.max': 'max', 'memory.swap.max': 'max', 'memory.current': '8192', 'memory.reclaim': '' };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-memory-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('version 1: memory, memory with swap, and memory of sockets get the same limit', async () => {
  const one = group(1, version1);
  assert.equal(readMemoryLimit(one), unlimitedMemory);
  await setMemoryLimit(one, 1n << 26n);
  for (const name of ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.kmem.tcp.limit_in_bytes']) assert.equal(text(name), '67108864', name);
  assert.equal(readMemoryLimit(one), 1n << 26n);
  await setMemoryLimit(one, (1n << 64n) - 1n);
  for (const name of ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.kmem.tcp.limit_in_bytes']) assert.equal(text(name), none, name);
});

test('version 1: a kernel that counts neither swap nor sockets', async () => {
  const one = group(1, { 'memory.limit_in_bytes': none, 'memory.usage_in_bytes': '8192' });
  await setMemoryLimit(one, 4096n);
  assert.equal(text('memory.limit_in_bytes'), '4096');
});

/** Reads 65536, and cannot be written by anybody. */
const refusing = '/proc/sys/kernel/ngroups_max';

test('version 1: when one of the three cannot be written the others are what they were', async () => {
  const names = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.kmem.tcp.limit_in_bytes'] as const;
  for (const refused of names) {
    for (const limit of [1n << 15n, 1n << 30n]) {
      const one = group(1, { ...version1, ...Object.fromEntries(names.map((name) => [name, '65536'])) });
      rmSync(join(directory, refused));
      symlinkSync(refusing, join(directory, refused));
      await assert.rejects(setMemoryLimit(one, limit), /EACCES|EPERM/);
      for (const name of names) assert.equal(text(name), '65536', `${name} with ${refused} refused`);
      rmSync(join(directory, refused));
    }
  }
});

test('version 2: swap is not to be used under a limit, so that both together have it', async () => {
  const two = group(2, version2);
  assert.equal(readMemoryLimit(two), unlimitedMemory);
  await setMemoryLimit(two, 1n << 26n);
  assert.deepEqual([text('memory.max'), text('memory.swap.max'), text('memory.reclaim')], ['67108864', '0', '']);
  await setMemoryLimit(two, 1n << 63n);
  assert.deepEqual([text('memory.max'), text('memory.swap.max')], ['max', 'max']);
});

test('version 2: more in use than the limit is reclaimed first, and an error when that is not enough: nothing is written that would kill', async () => {
  const two = group(2, { ...version2, 'memory.max': '1048576', 'memory.swap.max': '0', 'memory.current': '500000' });
  await assert.rejects(setMemoryLimit(two, 4096n), { code: 'wrong_state', message: /4096 bytes: 500000 bytes are in use .* stays at 1048576 bytes/ });
  assert.deepEqual([text('memory.reclaim'), text('memory.max')], ['495904', '1048576']);
});

test('version 2: what is being written to the disk is waited for', async () => {
  const two = group(2, { ...version2, 'memory.current': '500000', 'memory.stat': 'file 490000\nfile_dirty 4096\nfile_writeback 0' });
  const asked = setMemoryLimit(two, 8192n);
  setImmediate(() => {
    writeFileSync(join(directory, 'memory.current'), '8192\n');
    writeFileSync(join(directory, 'memory.stat'), 'file 4096\nfile_dirty 0\nfile_writeback 0\n');
  });
  await asked;
  assert.equal(text('memory.max'), '8192');
});

test('version 2 before Linux 5.19: memory.high for a moment', async () => {
  const { 'memory.reclaim': _, ...old } = version2;
  const two = group(2, { ...old, 'memory.current': '500000', 'memory.high': 'max' });
  await assert.rejects(setMemoryLimit(two, 4096n), { code: 'wrong_state' });
  assert.deepEqual([text('memory.high'), text('memory.max')], ['max', 'max']);
});

test('without a memory controller it is refused, with the reason', async () => {
  const limits = new LinuxMemoryLimits(() => undefined);
  assert.throws(() => limits.read('a'), { code: 'unsupported', message: /the memory controller of cgroups/ });
  await assert.rejects(limits.write('a', 4096n), { code: 'unsupported' });
});
