import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../lib/manual-clock.js';
import { Refill } from './refill.js';

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

/** One that has to make `missing`. */
function makeRefill(missing: number) {
  const clock = new ManualClock();
  const state = { missing, made: 0, fails: false, rests: [] as number[] };
  const refill = new Refill(clock, {
    isNeeded: () => state.missing > 0,
    makeOne: async () => {
      if (state.fails) throw new Error('no');
      state.missing--;
      state.made++;
    },
    failed: (_error, restMs) => state.rests.push(restMs),
  });
  return { clock, state, refill };
}

test('the first fill begins at once; after a claim it waits until there are no more of them for a moment', async () => {
  const { clock, state, refill } = makeRefill(3);
  refill.begin();
  await turns();
  assert.equal(state.made, 3);
  for (let claim = 0; claim < 5; claim++) {
    state.missing++;
    refill.request();
    clock.advance(19);
    await turns();
    assert.equal(state.made, 3, `after claim ${claim}`);
  }
  clock.advance(1);
  await turns();
  assert.deepEqual([state.made, state.missing, clock.pending], [8, 0, 0]);
});

test('claims that never pause do not keep it waiting for ever', async () => {
  const { clock, state, refill } = makeRefill(0);
  let claims = 0;
  while (state.made === 0 && claims < 100) {
    state.missing++;
    claims++;
    refill.request();
    clock.advance(10);
    await turns();
  }
  assert.equal(claims, 20);
});

test('after failures it rests ever longer, a minute at most, and begins anew with the first success', async () => {
  const { clock, state, refill } = makeRefill(1);
  state.fails = true;
  refill.begin();
  await turns();
  for (let time = 1; time < 9; time++) {
    // Nothing shortens a rest.
    refill.request();
    refill.begin();
    clock.advance(state.rests.at(-1) ?? 0);
    await turns();
  }
  assert.deepEqual(state.rests, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  state.fails = false;
  clock.advance(60_000);
  await turns();
  assert.equal(state.made, 1);
  Object.assign(state, { fails: true, missing: 1 });
  refill.begin();
  await turns();
  assert.equal(state.rests.at(-1), 1000);
});

test('the first that dies is replaced like one that was claimed; more of them after ever longer rests, until none has died for a while', async () => {
  const { clock, state, refill } = makeRefill(0);
  const untilMade = async (): Promise<number> => {
    const [made, from] = [state.made, clock.now()];
    // Those that die at once are one event.
    state.missing += 2;
    refill.lost();
    refill.lost();
    while (state.made === made) {
      clock.advance(10);
      await turns();
    }
    return clock.now() - from;
  };
  state.missing++;
  refill.lost();
  clock.advance(20);
  await turns();
  assert.equal(state.made, 1);
  const rests: number[] = [];
  for (let time = 0; time < 8; time++) rests.push(await untilMade());
  assert.deepEqual(rests, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  clock.advance(120_001);
  state.missing++;
  refill.lost();
  clock.advance(20);
  await turns();
  assert.deepEqual([state.missing, clock.pending], [0, 0]);
});

test('one that dies while the next is being made ends that round', async () => {
  const clock = new ManualClock();
  let made = 0;
  const refill = new Refill(clock, {
    isNeeded: () => true,
    makeOne: async () => {
      await new Promise(setImmediate);
      made++;
      refill.lost();
    },
    failed: () => undefined,
  });
  refill.begin();
  await turns();
  await turns();
  assert.equal(made, 2);
  await refill.stop();
});

test('a stop waits for what is under way and lets nothing begin', async () => {
  const clock = new ManualClock();
  let finish = (): void => undefined;
  let begun = 0;
  const refill = new Refill(clock, {
    isNeeded: () => true,
    makeOne: () => {
      begun++;
      return new Promise<void>((resolve) => (finish = resolve));
    },
    failed: () => undefined,
  });
  refill.begin();
  let stopped = false;
  const stop = refill.stop().then(() => (stopped = true));
  await turns();
  assert.deepEqual([begun, stopped], [1, false]);
  finish();
  await stop;
  refill.request();
  refill.begin();
  clock.advance(100_000);
  await turns();
  assert.deepEqual([begun, clock.pending], [1, 0]);
});
