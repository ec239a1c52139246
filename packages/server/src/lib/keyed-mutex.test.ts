import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedMutex } from './keyed-mutex.js';

/** A promise to be settled by hand. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test('work under one key runs in the order of arrival, one at a time', async () => {
  const mutex = new KeyedMutex<string>();
  const log: string[] = [];
  const first = gate();
  const runs = ['a', 'b', 'c'].map((name) =>
    mutex.run('key', async () => {
      log.push(`${name} begins`);
      if (name === 'a') await first.opened;
      log.push(`${name} ends`);
    }),
  );
  await Promise.resolve();
  first.open();
  await Promise.all(runs);
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  assert.equal(mutex.size, 0);
});

test('another key does not wait', async () => {
  const mutex = new KeyedMutex<string>();
  const held = gate();
  const holder = mutex.run('a', () => held.opened);
  assert.equal(await mutex.run('b', async () => 'done'), 'done');
  held.open();
  await holder;
});

test('a failure releases the key', async () => {
  const mutex = new KeyedMutex<string>();
  await assert.rejects(mutex.run('key', () => Promise.reject(new Error('no'))), /no/);
  assert.equal(await mutex.run('key', async () => 1), 1);
  assert.equal(mutex.size, 0);
});
