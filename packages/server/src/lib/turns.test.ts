import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from './manual-clock.js';
import { Turns } from './turns.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** When nothing is left that can be done before the loop goes on. */
async function endOfEvent(): Promise<void> {
  for (let count = 0; count < 10; count++) await new Promise<void>((resolve) => void process.nextTick(resolve));
}

function pieces(): { turns: Turns; clock: ManualClock; done: number[]; take: (number: number) => void } {
  const clock = new ManualClock();
  const done: number[] = [];
  /** Most of it behind promises that wait for nothing. */
  const take = (number: number): void => void (async () => {
    for (let count = 0; count < 10; count++) await undefined;
    clock.advance(0.75);
    done.push(number);
  })();
  return { turns: new Turns(clock), clock, done, take };
}

test('what comes in one event is done in order, and no more in a turn than there is time for', async () => {
  const { turns, done, take } = pieces();
  const perTurn: number[] = [];
  for (let number = 0; number < 10; number++) turns.do(() => take(number));
  await endOfEvent();
  while (done.length < 10) {
    perTurn.push(done.length);
    await nextTurn();
  }
  assert.deepEqual(done, Array.from({ length: 10 }, (_, number) => number));
  // Three take longer than a turn may.
  assert.deepEqual(perTurn, [3, 6, 9]);
});

test('one that comes alone is begun at once, and so is the next of a later event', async () => {
  const { turns } = pieces();
  let begun = 0;
  turns.do(() => void begun++);
  assert.equal(begun, 1);
  await endOfEvent();
  turns.do(() => void begun++);
  assert.equal(begun, 2);
  await nextTurn();
  await nextTurn();
  turns.do(() => void begun++);
  assert.equal(begun, 3);
});

test('what one piece adds comes behind all that waits', async () => {
  const { turns, clock } = pieces();
  const done: string[] = [];
  turns.do(() => {
    done.push('first');
    turns.do(() => void done.push('added'));
    clock.advance(5);
  });
  turns.do(() => void done.push('second'));
  assert.deepEqual(done, ['first']);
  while (done.length < 3) await nextTurn();
  assert.deepEqual(done, ['first', 'added', 'second']);
});

test('a piece that fails does not hold up those that come after it', async () => {
  const { turns, done } = pieces();
  assert.throws(() => turns.do(() => assert.fail('broken')), /broken/);
  await endOfEvent();
  turns.do(() => done.push(1), true);
  assert.deepEqual(done, [1]);
});
