import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleConnections } from './idle-connections.js';
import type { MonitorConnection } from './monitor-connection.js';

/** As a connection does: closing it tells its monitor, which takes it off the list. */
class Connection {
  closed = false;

  constructor(readonly list: IdleConnections) {}

  close(): void {
    this.closed = true;
    this.list.remove(this as unknown as MonitorConnection);
  }
}

function make(limit: number, count: number): { list: IdleConnections; connections: Connection[]; add(index: number): void; take(index: number): void } {
  const list = new IdleConnections(limit);
  const connections = Array.from({ length: count }, () => new Connection(list));
  const at = (index: number): MonitorConnection => connections[index] as unknown as MonitorConnection;
  return { list, connections, add: (index) => list.add(at(index)), take: (index) => list.remove(at(index)) };
}

test('the one that has waited longest is closed when there are too many', () => {
  const { connections, add } = make(2, 4);
  for (const index of [0, 1, 2, 3]) add(index);
  assert.deepEqual(connections.map(({ closed }) => closed), [true, true, false, false]);
});

test('one that is in use is not among them, and waits from its last use on', () => {
  const { connections, add, take } = make(2, 3);
  add(0);
  add(1);
  take(0);
  add(2);
  assert.deepEqual(connections.map(({ closed }) => closed), [false, false, false], 'two wait');
  add(0);
  assert.deepEqual(connections.map(({ closed }) => closed), [false, true, false]);
});
