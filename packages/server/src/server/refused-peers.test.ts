import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { silentLog } from '../lib/log.js';
import { ManualClock } from '../lib/manual-clock.js';
import { RefusedPeers } from './refused-peers.js';

let lines: { facts: object; message: string }[];
let clock: ManualClock;
let refused: RefusedPeers;

beforeEach(() => {
  lines = [];
  clock = new ManualClock();
  refused = new RefusedPeers({ clock, log: { ...silentLog, warn: (facts, message) => void lines.push({ facts, message }) } });
});

test('a refused peer has its line at once', () => {
  refused.note({ peer: '10.0.0.1' }, 'refused');
  assert.deepEqual(lines, [{ facts: { peer: '10.0.0.1' }, message: 'refused' }]);
  refused.stop();
  assert.equal(lines.length, 1);
});

test('a flood of them is ten lines and one number a minute', () => {
  for (let peer = 0; peer < 1000; peer++) refused.note({ peer }, 'refused');
  assert.equal(lines.length, 10);
  clock.advance(59_000);
  assert.equal(lines.length, 10);
  clock.advance(1_000);
  assert.deepEqual(lines[10], { facts: { refused: 990 }, message: 'more peers were refused than there are lines about' });
  refused.note({ peer: 'later' }, 'refused');
  assert.deepEqual(lines[11], { facts: { peer: 'later' }, message: 'refused' });
  clock.advance(60_000);
  assert.equal(lines.length, 12);
});

test('the number is told at the end, too', () => {
  for (let peer = 0; peer < 12; peer++) refused.note({ peer }, 'refused');
  refused.stop();
  assert.deepEqual(lines.at(-1)?.facts, { refused: 2 });
});
