import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkExclusive } from './exclusive-history.js';

const seen = (container: string, began: number, ended: number, thing = 'uid 7') => ({ thing, container, began, ended });

test('one owner after the other is fine', () => {
  assert.deepEqual(checkExclusive([seen('a', 1, 2), seen('a', 5, 6), seen('b', 7, 8), seen('b', 9, 10)]), []);
  assert.deepEqual(checkExclusive([seen('a', 1, 2), seen('a', 5, 8), seen('b', 6, 9), seen('b', 11, 12)]), []);
  assert.deepEqual(checkExclusive([seen('a', 1, 2), seen('b', 3, 4, 'uid 8'), seen('a', 5, 6)]), []);
});

test('two at once are found, also when one was seen only once', () => {
  assert.equal(checkExclusive([seen('a', 1, 2), seen('b', 3, 4), seen('a', 5, 6), seen('b', 7, 8)]).length, 1);
  assert.equal(checkExclusive([seen('a', 1, 2), seen('b', 3, 4), seen('a', 5, 6)]).length, 1);
});
