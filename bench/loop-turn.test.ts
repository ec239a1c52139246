import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockedMs, worstOf } from './loop-turn.js';

const turn = { ms: 0, waitedMs: 0, activeMs: 0, isStolen: false };

test('a loop is blocked while it works or sleeps in the midst of a turn', () => {
  assert.equal(blockedMs({ ...turn, ms: 12, waitedMs: 2, activeMs: 13 }), 10);
});

test('a loop that waited for events and was woken late was not blocked, and neither was one that waited for a processor', () => {
  assert.equal(blockedMs({ ...turn, ms: 29, activeMs: 0.5 }), 0.5);
  assert.equal(blockedMs({ ...turn, ms: 29, waitedMs: 28, activeMs: 30 }), 1);
  assert.equal(blockedMs({ ...turn, ms: -0.5, activeMs: 0.2 }), 0);
});

test('turns in which the host took a processor are told apart', () => {
  const turns = [{ ...turn, ms: 40, waitedMs: 1, activeMs: 41, isStolen: true }, { ...turn, ms: 6, waitedMs: 2, activeMs: 7 }, { ...turn, ms: 20, waitedMs: 19, activeMs: 21 }];
  assert.deepEqual(worstOf(turns), { blocked: 4, stolen: 39, stolenTurns: 1 });
  assert.deepEqual(worstOf([]), { blocked: 0, stolen: 0, stolenTurns: 0 });
});
