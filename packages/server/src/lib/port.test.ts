import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPortRange, parsePortRange, portRangesOverlap } from './port.js';

test('a port, or a range of ports', () => {
  assert.deepEqual(parsePortRange('80'), { first: 80, last: 80 });
  assert.deepEqual(parsePortRange('1-65535'), { first: 1, last: 65_535 });
  for (const text of ['', '0', '0-5', '65536', '1-65536', '9-8', '1:2', ' 1', '1-', '-1', '01', '1-2-3', '1 -j X', '1e3', '99999999999']) assert.equal(parsePortRange(text), undefined, text);
  assert.deepEqual([formatPortRange({ first: 80, last: 80 }), formatPortRange({ first: 80, last: 90 })], ['80', '80-90']);
});

test('ranges overlap when they share a port', () => {
  assert.ok(portRangesOverlap({ first: 1, last: 5 }, { first: 5, last: 9 }));
  assert.ok(!portRangesOverlap({ first: 1, last: 4 }, { first: 5, last: 9 }));
});
