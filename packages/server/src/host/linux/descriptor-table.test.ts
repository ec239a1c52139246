import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { growDescriptorTable, growDescriptorTableBeside } from './descriptor-table.js';

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

test('where a process may not open many files, all that it may are free for what begins then', async () => {
  const before = readdirSync('/proc/self/fd').length;
  const openAtBegin = async (limit: number | undefined): Promise<number> => {
    let open = 0;
    await growDescriptorTableBeside(limit, async () => {
      // Whatever goes on beside it has opened some by the end of a turn with a file of its own.
      await stat('/dev/null');
      open = readdirSync('/proc/self/fd').length;
    });
    return open - before;
  };
  assert.equal(await openAtBegin(2048), 0);
  assert.ok(await openAtBegin(undefined) > 0);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
