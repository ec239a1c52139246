import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repository } from './paths.js';
import { ownTimes, shareTable } from './profile-text.js';
import type { Profile } from './profile-text.js';

const node = (id: number, functionName: string, url = '', lineNumber = -1): Profile['nodes'][number] => ({ id, callFrame: { functionName, url, lineNumber } });
const profile: Profile = {
  nodes: [node(1, '(idle)'), node(7, 'dispatch'), node(2, 'writeBuffer'), node(3, 'work', `file://${repository}/packages/server/dist/server/session.js`, 41), node(4, 'work', `file://${repository}/packages/server/dist/server/session.js`, 41), node(5, '', 'node:net', 9)],
  samples: [1, 2, 3, 7, 4, 5, 9],
  timeDeltas: [1000, 50, 30, 900, 40, 5, 1],
};

test("a function's own time is that of all samples with it on top, wherever it was called from", () => {
  assert.deepEqual(ownTimes(profile), [
    { name: 'work server/server/session.js:42', microseconds: 70 }, { name: 'writeBuffer', microseconds: 50 }, { name: '(anonymous) node:net:10', microseconds: 5 }, { name: '(unknown)', microseconds: 1 },
  ]);
});

test('the table has microseconds of one request and per cent of all', () => {
  assert.equal(shareTable(ownTimes(profile), 10, 2).split('\n').slice(2).join('\n'), '| work server/server/session.js:42 | 7.0 | 55.6 |\n| writeBuffer | 5.0 | 39.7 |');
});
