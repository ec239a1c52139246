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

test('who can use more has all of the memory, and what is larger than that is no part of it', () => {
  const bodies = new LargeBodies(256 * 1024);
  const whole = bodies.takeAtLeast(100_000);
  assert.equal(whole.length, 256 * 1024);
  bodies.giveBack(whole.subarray(10, 70_000));
  assert.deepEqual([bodies.kept, bodies.takeAtLeast(64 * 1024).buffer === whole.buffer], [1, true]);
  const larger = bodies.take(300_000);
  bodies.giveBack(larger);
  assert.deepEqual([larger.length, bodies.kept], [300_000, 0]);
});
