import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UidPool } from './uid-pool.js';

test('each uid has its own range of 65536 ids', () => {
  const uids = new UidPool(10_000, 2, 0x2000_0000);
  assert.deepEqual(uids.acquire(), { uid: 10_000, firstSubuid: 0x2000_0000 });
  assert.deepEqual(uids.acquire(), { uid: 10_001, firstSubuid: 0x2001_0000 });
  assert.equal(uids.acquire(), undefined);
});

test('the longest unused comes first', () => {
  const uids = new UidPool(1, 3, 65_536);
  const first = uids.acquire()!;
  uids.release(first);
  assert.deepEqual([uids.acquire()?.uid, uids.acquire()?.uid, uids.acquire()?.uid], [2, 3, 1]);
});

test('a claimed uid is taken; releasing twice gives it back once', () => {
  const uids = new UidPool(5, 2, 65_536);
  const claimed = uids.claim(6)!;
  assert.equal(uids.claim(6), undefined);
  assert.equal(uids.claim(7), undefined);
  assert.equal(uids.acquire()?.uid, 5);
  uids.release(claimed);
  uids.release(claimed);
  assert.equal(uids.acquire()?.uid, 6);
  assert.equal(uids.acquire(), undefined);
});

test('a living container keeps a uid outside the pool', () => {
  const uids = new UidPool(5, 1, 65_536);
  assert.equal(uids.restore(77)?.uid, 77);
  uids.release(uids.restore(77)!);
  assert.equal(uids.restore(5)?.uid, 5);
  assert.equal(uids.restore(5), undefined);
});
