import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../lib/manual-clock.js';
import { LateClosing } from './late-closing.js';
import type { MonitorConnection } from './monitor-connection.js';

function make(count: number): { clock: ManualClock; closing: LateClosing; closed: number[]; connections: MonitorConnection[] } {
  const closed: number[] = [];
  const clock = new ManualClock();
  const connections = Array.from({ length: count }, (_, index) => ({ close: () => void closed.push(index) }) as unknown as MonitorConnection);
  return { clock, closing: new LateClosing(clock), closed, connections };
}

test('connections are closed a moment later, those of several monitors together', () => {
  const { clock, closing, closed, connections } = make(3);
  closing.add([]);
  closing.add(connections.slice(0, 2));
  clock.advance(1);
  closing.add(connections.slice(2));
  assert.deepEqual(closed, []);
  clock.advance(1);
  assert.deepEqual(closed, [0, 1, 2]);
  clock.advance(10);
  assert.deepEqual(closed, [0, 1, 2], 'each once');
});

test('there are not many that wait', () => {
  const { clock, closing, closed, connections } = make(66);
  closing.add(connections.slice(0, 64));
  assert.deepEqual(closed, []);
  closing.add(connections.slice(64));
  assert.equal(closed.length, 66);
  clock.advance(10);
  assert.equal(closed.length, 66);
});
