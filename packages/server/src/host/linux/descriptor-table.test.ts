import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { growDescriptorTable } from './descriptor-table.js';

/** Places in the kernel's table, as it tells. */
function places(): number {
  return Number(/^FDSize:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

test('a process that may open few files leaves its table as it is', async () => {
  const before = places();
  await growDescriptorTable(2047);
  assert.equal(places(), before);
});

test('afterwards there is a place for two thousand, and none is open', async () => {
  const before = readdirSync('/proc/self/fd').length;
  await growDescriptorTable(undefined);
  assert.ok(places() >= 2048, `${places()} places`);
  assert.equal(readdirSync('/proc/self/fd').length, before);
  const next = openSync('/dev/null', 'r');
  closeSync(next);
  assert.ok(next < 1024);
});
