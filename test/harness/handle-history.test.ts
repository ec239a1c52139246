import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHandle, printHistory, shrinkHistory } from './handle-history.js';
import type { ContainerState, HandleOperation } from './handle-history.js';

type Made = readonly [began: number, ended: number, Omit<HandleOperation, 'client' | 'text' | 'began' | 'ended'>];
const LIVE: readonly ContainerState[] = ['active', 'stopped'];
const created = { effect: 'create', outcome: 'done', seen: [] } as const;
const exists = { effect: 'create', outcome: 'refused', seen: LIVE } as const;
const destroyed = { effect: 'destroy', outcome: 'done', seen: [] } as const;
const unknownHandle = { effect: 'destroy', outcome: 'refused', seen: ['absent'] } as const;
const stopped = { effect: 'stop', outcome: 'done', seen: [] } as const;
const lost = (effect: 'create' | 'destroy' | 'stop') => ({ effect, outcome: 'unknown', seen: [] }) as const;
const sees = (...seen: ContainerState[]) => ({ effect: 'none', outcome: 'done', seen }) as const;

function history(...made: Made[]): HandleOperation[] {
  return made.map(([began, ended, rest], client) => ({ client, text: `${rest.effect} ${rest.outcome} ${rest.seen.join()}`, began, ended, ...rest }));
}

const explained: Record<string, Made[]> = {
  'nothing at all': [],
  'one after the other': [[1, 2, created], [3, 4, sees('active')], [5, 6, stopped], [7, 8, sees('stopped')], [9, 10, destroyed], [11, 12, sees('absent')], [13, 14, created]],
  'a look during a create sees either': [[1, 10, created], [2, 3, sees('absent')], [4, 5, sees('active')]],
  'one of two creates wins': [[1, 10, created], [2, 5, exists]],
  'one of two destroys wins': [[1, 2, created], [3, 10, destroyed], [4, 11, unknownHandle]],
  'a destroy stops first': [[1, 2, created], [3, 10, destroyed], [4, 5, sees('stopped')], [6, 7, sees('stopped')], [11, 12, sees('absent')]],
  'a destroy that loses the race may have stopped it': [[1, 2, created], [3, 12, unknownHandle], [4, 5, sees('stopped')], [6, 13, destroyed]],
  'a create between two destroys': [[1, 2, created], [3, 20, destroyed], [4, 21, destroyed], [5, 22, created]],
  'a create cut off: whole': [[1, 50, lost('create')], [60, 61, sees('active')]],
  'a create cut off: absent': [[1, 50, lost('create')], [60, 61, sees('absent')]],
  'a create cut off that others had seen coming': [[1, 50, lost('create')], [2, 3, exists], [60, 61, sees('absent')]],
  'a destroy cut off: all three': [[1, 2, created], [3, 50, lost('destroy')], [4, 5, sees('stopped')], [60, 61, sees('absent')]],
  'a destroy cut off that had not begun': [[1, 2, created], [3, 50, lost('destroy')], [60, 61, sees('active')]],
  'a destroy cut off that was begun, and its container whole again': [[1, 2, created], [3, 50, lost('destroy')], [4, 5, sees('stopped')], [60, 61, sees('active')]],
  'ten cut off at once': [[1, 2, created], ...Array.from({ length: 10 }, (_, index) => [3 + index, 50, lost((['create', 'destroy', 'stop'] as const)[index % 3] ?? 'stop')] as const), [60, 61, sees('active')]],
};

const unexplained: Record<string, Made[]> = {
  'what was never made': [[1, 2, sees('active')]],
  'a container that is not listed': [[1, 2, created], [3, 4, sees('absent')]],
  'one that is listed after its destroy': [[1, 2, created], [3, 4, destroyed], [5, 6, sees('active')]],
  'two creates that both succeed': [[1, 10, created], [2, 11, created]],
  'a create refused though there was none': [[1, 2, exists]],
  'two destroys that both succeed': [[1, 2, created], [3, 10, destroyed], [4, 11, destroyed]],
  'a destroy that found none though there was one': [[1, 2, created], [3, 4, unknownHandle]],
  'stopped and then active': [[1, 2, created], [3, 4, stopped], [5, 6, sees('active')]],
  'a look that goes back in time': [[1, 10, created], [2, 3, sees('active')], [4, 5, sees('absent')]],
  'gone, and back while its destroy goes on': [[1, 2, created], [3, 20, destroyed], [4, 5, sees('absent')], [6, 7, sees('stopped')]],
  'active though stopped by the destroy under way': [[1, 2, created], [3, 20, destroyed], [4, 5, sees('stopped')], [6, 7, sees('active')]],
  'lost with the daemon though acknowledged': [[1, 2, created], [3, 50, lost('stop')], [60, 61, sees('absent')]],
  'stopped, and active again for want of a destroy': [[1, 2, created], [3, 4, stopped], [5, 50, lost('destroy')], [60, 61, sees('active')]],
  'a create cut off that appears later': [[1, 50, lost('create')], [60, 61, sees('absent')], [62, 63, sees('active')]],
  'a destroy cut off that goes on after the start': [[1, 2, created], [3, 50, lost('destroy')], [60, 61, sees('active')], [62, 63, sees('absent')]],
};

for (const [what, made] of Object.entries(explained)) {
  test(`is explained: ${what}`, () => assert.equal(checkHandle(history(...made)), undefined));
}

for (const [what, made] of Object.entries(unexplained)) {
  test(`is found: ${what}`, () => assert.notEqual(checkHandle(history(...made)), undefined));
}

test('the violation is the reply that nothing explains, with the states that were possible', () => {
  const operations = history([1, 2, created], [3, 4, sees('active')], [5, 6, sees('absent')], [7, 8, sees('active')]);
  assert.deepEqual(checkHandle(operations), { operation: operations[2], possible: ['active'] });
});

test('what the violation does not need is left out, and the rest printed in order', () => {
  const operations = history([1, 2, created], [3, 4, sees('active')], [5, 6, sees('active')], [7, 8, destroyed], [9, 10, sees('active')], [11, 12, sees('active')]);
  const shrunk = shrinkHistory(operations);
  assert.deepEqual(shrunk.map(({ began }) => began), [1, 7, 9]);
  assert.match(printHistory(shrunk), /^ +1 – 2 +client 0: create done \n +7 – 8 .*\n +9 – 10 +client 4: none done active$/);
});
