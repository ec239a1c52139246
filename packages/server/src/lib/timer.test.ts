import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDeadline } from './deadline.js';
import { ManualClock } from './manual-clock.js';
import { maximumDelayMs, startTimer } from './timer.js';

test('a delay beyond 2^31 - 1 ms is made of several that setTimeout keeps', () => {
  const clock = new ManualClock();
  let fired = 0;
  const uint32Seconds = 0xffff_ffff * 1000;
  startTimer(clock, uint32Seconds, () => fired++);
  assert.ok(clock.delays.every((delay) => delay <= maximumDelayMs));
  clock.advance(uint32Seconds - 1000);
  assert.equal(fired, 0);
  assert.ok(clock.delays.every((delay) => delay <= maximumDelayMs));
  clock.advance(1000);
  assert.equal(fired, 1);
  assert.equal(clock.pending, 0);
});

test('0 fires at once, a canceled timer never', () => {
  const clock = new ManualClock();
  let fired = 0;
  startTimer(clock, 0, () => fired++);
  const cancel = startTimer(clock, 10, () => assert.fail('was canceled'));
  cancel();
  cancel();
  clock.advance(100);
  assert.equal(fired, 1);
});

test('a long timer can be canceled after its first part', () => {
  const clock = new ManualClock();
  const cancel = startTimer(clock, maximumDelayMs * 3, () => assert.fail('was canceled'));
  clock.advance(maximumDelayMs + 5);
  cancel();
  clock.advance(maximumDelayMs * 3);
  assert.equal(clock.pending, 0);
});

test('a deadline ends the waiting and leaves no timer', async () => {
  const clock = new ManualClock();
  assert.equal(await withDeadline(clock, 10, Promise.resolve('in time'), () => new Error('late')), 'in time');
  assert.equal(clock.pending, 0);
  const late = withDeadline(clock, 10, new Promise(() => undefined), () => new Error('late'));
  clock.advance(10);
  await assert.rejects(late, /late/);
  assert.equal(clock.pending, 0);
});
