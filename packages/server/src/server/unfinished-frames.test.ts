import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../lib/log.js';
import { ManualClock } from '../lib/manual-clock.js';
import { UnfinishedFrames } from './unfinished-frames.js';

function scene(limitInBytes = 1000) {
  const clock = new ManualClock();
  const closed: string[] = [];
  const messages: string[] = [];
  const log = { ...silentLog, warn: (_facts: object, message: string) => void messages.push(message) };
  const frames = new UnfinishedFrames({ clock, log, idleMs: 60_000, limitInBytes });
  const connection = (name: string) => ({ destroy: () => void closed.push(name) });
  return { clock, closed, messages, frames, connection };
}

test('an unfinished frame without a byte for a minute closes its connection, one that moves lives on', () => {
  const { clock, closed, messages, frames, connection } = scene();
  const [silent, slow, busy] = [connection('silent'), connection('slow'), connection('busy')];
  frames.update(silent, 0, true);
  frames.update(slow, 1, true);
  frames.update(busy, 7, false);
  for (let second = 1; second <= 600; second++) {
    clock.advance(1000);
    frames.update(slow, second, true);
    assert.deepEqual(closed, second < 60 ? [] : ['silent'], `after ${second} s`);
  }
  assert.deepEqual(messages, ['closing a connection whose unfinished frame got no byte for 60 s']);
  clock.advance(60_000);
  assert.deepEqual(closed, ['silent', 'slow']);
  assert.equal(clock.pending, 0);
});

test('a finished frame ends the wait, and many connections cost one timer', () => {
  const { clock, closed, frames, connection } = scene();
  const all = Array.from({ length: 10_000 }, (_, number) => connection(String(number)));
  for (const each of all) frames.update(each, 0, true);
  for (const each of all) frames.update(each, 0, true);
  assert.equal(clock.pending, 1);
  assert.equal(clock.delays.length, 1);
  for (const each of all) frames.update(each, 0, false);
  assert.equal(clock.pending, 0);
  clock.advance(600_000);
  assert.deepEqual(closed, []);
});

test('over the limit of all together the largest is closed, and no other', () => {
  const { closed, messages, frames, connection } = scene(1000);
  const [small, large, middle] = [connection('small'), connection('large'), connection('middle')];
  frames.update(small, 100, true);
  frames.update(large, 600, true);
  frames.update(middle, 300, true);
  assert.deepEqual(closed, []);
  frames.update(small, 101, true);
  assert.deepEqual(closed, ['large']);
  assert.match(messages[0] ?? '', /the most unfinished bytes/);
  frames.remove(middle);
  frames.update(small, 1000, true);
  assert.deepEqual(closed, ['large']);
});
