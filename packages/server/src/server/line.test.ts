import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'warden-protocol';
import { ManualClock } from '../lib/manual-clock.js';
import { Line } from './line.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function crowded(): { line: Line; clock: ManualClock; leave: (() => void)[] } {
  const clock = new ManualClock();
  const line = new Line(clock);
  return { line, clock, leave: Array.from({ length: 9 }, () => line.join()) };
}

test('a few connections never wait', () => {
  const { line, clock, leave } = crowded();
  leave[0]?.();
  for (let count = 0; count < 100; count++) {
    assert.equal(line.isFreeFor(Type.Create), true);
    clock.advance(1);
  }
});

test('of many, what has no time in this turn of the loop waits for later ones, in order', async () => {
  const { line, clock } = crowded();
  const begun: number[] = [];
  const perTurn: number[] = [];
  const begin = (number: number): void => {
    begun.push(number);
    clock.advance(0.75);
  };
  for (let number = 0; number < 10; number++) {
    if (line.isFreeFor(Type.Create)) begin(number);
    else line.wait(() => begin(number));
  }
  while (begun.length < 10) {
    perTurn.push(begun.length);
    await nextTurn();
  }
  assert.deepEqual(begun, Array.from({ length: 10 }, (_, number) => number));
  // Three take longer than a turn may.
  assert.deepEqual(perTurn, [3, 6, 9]);
});

test('who comes while others wait goes behind them', async () => {
  const { line, clock } = crowded();
  assert.equal(line.isFreeFor(Type.Create), true);
  clock.advance(2);
  assert.equal(line.isFreeFor(Type.Create), false);
  assert.equal(line.isFreeFor(Type.Ping), true);
  const begun: string[] = [];
  line.wait(() => begun.push('first'));
  assert.equal(line.isFreeFor(Type.Create), false);
  line.wait(() => begun.push('second'));
  await nextTurn();
  assert.deepEqual(begun, ['first', 'second']);
  await nextTurn();
  assert.equal(line.isFreeFor(Type.Create), true);
});
