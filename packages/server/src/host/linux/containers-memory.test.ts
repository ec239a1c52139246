import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLog } from '../../lib/log.js';
import { containersMemory, limitContainersMemory, memoryOfMachine } from './containers-memory.js';

const mib = 1024 * 1024;
const gib = 1024 * mib;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-memory-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), `${text}\n`);
}

function text(name: string): string {
  return readFileSync(join(directory, name), 'utf8').trim();
}

test('what is left by a reserve: of bytes, a part, or by default a tenth and not too little', () => {
  const left = (total: number, reserve: Parameters<typeof containersMemory>[1]): number => Number(containersMemory(total, reserve).limitInBytes);
  assert.equal(left(10 * gib, { bytes: gib }), 9 * gib);
  assert.equal(left(10 * gib, { part: 0.25 }), 7.5 * gib);
  assert.equal(left(10 * gib, null), 9 * gib);
  assert.equal(left(gib, null), gib - 256 * mib);
  assert.equal(left(256 * mib, null), 128 * mib);
  assert.equal(left(10 * gib + 4097, { bytes: 0 }), 10 * gib + 4096);
  for (const reserve of [{ bytes: gib }, { bytes: 2 * gib }, { part: 0.99 }]) assert.throws(() => left(gib, reserve), { code: 'invalid_argument', message: /container_memory_reserve.*1073741824 bytes/ });
});

test('sockets have half of the reserve, and a little when there is none', () => {
  assert.equal(containersMemory(10 * gib, { bytes: gib }).socketsInBytes, BigInt(512 * mib));
  assert.equal(containersMemory(10 * gib, { bytes: 0 }).socketsInBytes, BigInt(64 * mib));
});

test('the machine has what it has, or what the root of its groups is limited to', () => {
  assert.equal(memoryOfMachine({ path: directory, version: 2 }, gib), gib);
  write({ 'memory.max': String(512 * mib) });
  assert.equal(memoryOfMachine({ path: directory, version: 2 }, gib), 512 * mib);
  write({ 'memory.max': 'max' });
  assert.equal(memoryOfMachine({ path: directory, version: 2 }, gib), gib);
});

test('a group that is there already gets the limit; its swap stays as it is', async () => {
  write({ 'memory.limit_in_bytes': '4096', 'memory.memsw.limit_in_bytes': '8192', 'memory.memsw.usage_in_bytes': '100', 'memory.usage_in_bytes': '100', 'memory.kmem.tcp.limit_in_bytes': '1' });
  await limitContainersMemory({ path: directory, version: 1 }, { limitInBytes: 1_048_576n, socketsInBytes: 65_536n }, silentLog);
  assert.deepEqual([text('memory.limit_in_bytes'), text('memory.memsw.limit_in_bytes'), text('memory.kmem.tcp.limit_in_bytes')], ['1048576', '1048576', '65536']);
  rmSync(directory, { recursive: true });
  directory = mkdtempSync(join(tmpdir(), 'warden-memory-'));
  write({ 'memory.max': 'max', 'memory.swap.max': '123', 'memory.current': '100' });
  await limitContainersMemory({ path: directory, version: 2 }, { limitInBytes: 1_048_576n, socketsInBytes: 65_536n }, silentLog);
  assert.deepEqual([text('memory.max'), text('memory.swap.max')], ['1048576', '123']);
});

test('containers that use more keep it, get no more, and the log says so', async () => {
  write({ 'memory.max': 'max', 'memory.swap.max': 'max', 'memory.current': '50000000', 'memory.reclaim': '' });
  const warnings: string[] = [];
  await limitContainersMemory({ path: directory, version: 2 }, { limitInBytes: 1_048_576n, socketsInBytes: 65_536n }, { ...silentLog, warn: (_facts: unknown, message?: string) => void warnings.push(message ?? '') });
  assert.equal(text('memory.max'), String(50_000_000 + 16 * mib));
  assert.match(warnings.join(), /can have no more than now/);
});
