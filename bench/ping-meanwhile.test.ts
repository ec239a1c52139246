import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pingRow, tailOf } from './ping-meanwhile.js';

const quick = Array.from({ length: 198 }, () => ({ took: 100, waitedHere: 0, waitedThere: 90 }));

test('the tail is the slowest hundredth alone', () => {
  const slow = [{ took: 1000, waitedHere: 500, waitedThere: 100 }, { took: 3000, waitedHere: 500, waitedThere: 900 }, { took: 4000, waitedHere: 0, waitedThere: 0 }];
  assert.deepEqual(tailOf([...quick, ...slow]), { here: 0.125, there: 0.125 });
});

test('the budget is one of p99', () => {
  const row = pingRow('ping', [...quick, { took: 12_000, waitedHere: 0, waitedThere: 0 }, { took: 12_000, waitedHere: 0, waitedThere: 0 }], 10);
  assert.deepEqual([row.warden, row.p99, row.budget], [100, 100, { text: 'p99 ≤ 10 ms', met: true }]);
  const late = Array.from({ length: 4 }, () => ({ took: 12_000, waitedHere: 0, waitedThere: 0 }));
  assert.deepEqual(pingRow('ping', [...quick, ...late], 10).budget, { text: 'p99 ≤ 10 ms', met: false });
});
