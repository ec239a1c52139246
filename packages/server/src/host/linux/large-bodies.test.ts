import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LargeBodies } from './large-bodies.js';

test('the memory of a large body is used again when it was given back, and never before', () => {
  const bodies = new LargeBodies(256 * 1024);
  const [one, two] = [bodies.take(256 * 1024), bodies.take(64 * 1024)];
  assert.deepEqual([one.length, two.length], [256 * 1024, 64 * 1024]);
  assert.notEqual(one.buffer, two.buffer);
  bodies.giveBack(one);
  const three = bodies.take(100_000);
  assert.deepEqual([three.buffer === one.buffer, three.length, three.byteOffset], [true, 100_000, 0]);
  assert.notEqual(bodies.take(100_000).buffer, one.buffer);
});

test('small bodies have memory of their own, and little is kept', () => {
  const bodies = new LargeBodies(256 * 1024);
  const small = bodies.take(1000);
  bodies.giveBack(small);
  assert.deepEqual([small.length, bodies.kept], [1000, 0]);
  const many = Array.from({ length: 100 }, () => bodies.take(256 * 1024));
  for (const body of many) bodies.giveBack(body);
  assert.equal(bodies.kept, 16);
});
