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

/** What a request does once it has begun, at once or behind promises that wait for nothing. */
const kinds: [string, (work: () => void) => void][] = [
  ['at once', (work) => work()],
  ['behind promises', (work) => void (async () => {
    for (let count = 0; count < 10; count++) await undefined;
    work();
  })()],
];

for (const [when, doing] of kinds) test(`of many that do their work ${when}, what has no time in this turn of the loop waits for later ones, in order`, async () => {
  const { line, clock } = crowded();
  const begun: number[] = [];
  const perTurn: number[] = [];
  const begin = (number: number): void => doing(() => {
    begun.push(number);
    clock.advance(0.75);
  });
  for (let number = 0; number < 10; number++) {
    if (line.isFreeFor(Type.Create)) begin(number);
    else line.wait(() => begin(number));
    // As after each event of the loop.
    await new Promise<void>((resolve) => void process.nextTick(resolve));
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
