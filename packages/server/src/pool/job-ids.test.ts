import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobIds } from './job-ids.js';

test('ids are reserved before they are handed out, a block at a time', () => {
  const reserved: number[] = [];
  const ids = new JobIds(1, (below) => reserved.push(below));
  for (let expected = 1; expected <= 3000; expected++) {
    assert.equal(ids.next(), expected);
    assert.ok((reserved.at(-1) ?? 0) > expected);
  }
  assert.deepEqual(reserved, [1025, 2049, 3073]);
});

test('a server that was killed is followed behind its reservation', () => {
  let below = 1;
  new JobIds(below, (upTo) => (below = upTo)).next();
  assert.equal(new JobIds(below, () => undefined).next(), 1025);
});

test('when nothing can be reserved no id is handed out', () => {
  let full = true;
  const ids = new JobIds(1, () => {
    if (full) throw new Error('no space');
  });
  assert.throws(() => ids.next(), /no space/);
  full = false;
  assert.equal(ids.next(), 1);
});

test('the monitor takes 31 bits', () => {
  const ids = new JobIds(0x7fff_ffff, () => undefined);
  assert.equal(ids.next(), 0x7fff_ffff);
  assert.equal(ids.next(), undefined);
});

test('ids go on behind one that is in use, and are reserved anew', () => {
  const reserved: number[] = [];
  const ids = new JobIds(1, (upTo) => reserved.push(upTo));
  ids.follow(5000);
  ids.follow(10);
  assert.deepEqual([ids.next(), ids.next(), reserved], [5001, 5002, [6025]]);
});
