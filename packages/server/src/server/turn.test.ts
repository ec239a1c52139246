import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../lib/manual-clock.js';
import { Turn } from './turn.js';

test('a turn is over after so many requests', () => {
  const turn = new Turn(new ManualClock());
  turn.begin();
  for (let count = 0; count < 256; count++) {
    assert.equal(turn.isOver, false);
    turn.count();
  }
  assert.equal(turn.isOver, true);
  turn.begin();
  assert.equal(turn.isOver, false);
});

test('and after a millisecond, however few they were', () => {
  const clock = new ManualClock();
  const turn = new Turn(clock);
  turn.begin();
  clock.advance(0.9);
  assert.equal(turn.isOver, false);
  clock.advance(0.1);
  assert.equal(turn.isOver, true);
});

test('the next one begins with a later event of the loop', async () => {
  const clock = new ManualClock();
  const turn = new Turn(clock);
  clock.advance(5);
  await new Promise<void>((resolve) => {
    turn.next(resolve);
    assert.deepEqual([turn.waits, turn.isOver], [true, true]);
  });
  assert.deepEqual([turn.waits, turn.isOver], [false, false]);
});
