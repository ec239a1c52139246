import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { openAddressesLimit, Openings, type NameRule, type Opening, type PlannedChange } from './openings.js';

const address = 0xc633_6401;
const rule = (pattern: string, first: number, last = first, logged = false): NameRule => ({ pattern, protocol: 6, ports: { first, last }, logged });
const show = (list: readonly Opening[]): string[] =>
  list.map(({ protocol = 'all', ports, logged, untilMs }) => `${protocol} ${ports === undefined ? 'all' : `${ports.first}-${ports.last}`} ${untilMs}${logged ? ' logged' : ''}`).sort();

function made(change: PlannedChange | undefined) {
  assert.ok(change !== undefined);
  change.done();
  return { remove: show(change.remove), add: show(change.add) };
}

function openingsBy(...rules: NameRule[]): Openings {
  const openings = new Openings();
  openings.planRules(rules, 0).done();
  return openings;
}

test('an answer opens its rule\'s port, rounded up to a second; the same again changes nothing', () => {
  const openings = openingsBy(rule('a.test', 443));
  assert.deepEqual(made(openings.planFound('a.test', address, 60, 1000.5)), { remove: [], add: ['6 443-443 62000'] });
  assert.deepEqual(made(openings.planFound('a.test', address, 60, 1999)), { remove: [], add: [] });
  assert.deepEqual(made(openings.planFound('a.test', address, 60, 2001)), { remove: ['6 443-443 62000'], add: ['6 443-443 63000'] });
});

test('a name without a rule opens nothing', () => {
  const openings = openingsBy(rule('a.test', 443), rule('*.b.test', 443));
  for (const name of ['b.test', 'x.a.test', 'c.test']) assert.equal(openings.planFound(name, address, 60, 0), undefined);
  assert.deepEqual(made(openings.planFound('x.y.b.test', address, 60, 0)).add, ['6 443-443 60000']);
});

test('a shorter time never closes what is open for longer', () => {
  const openings = openingsBy(rule('a.test', 443));
  made(openings.planFound('a.test', address, 3600, 0));
  assert.deepEqual(made(openings.planFound('a.test', address, 1, 0)), { remove: [], add: [] });
});

test('ranges that overlap are cut; each piece is open as long as the longest says', () => {
  const openings = openingsBy(rule('a.test', 80, 90), rule('b.test', 85, 100), rule('c.test', 87));
  made(openings.planFound('a.test', address, 10, 0));
  assert.deepEqual(made(openings.planFound('b.test', address, 20, 0)), { remove: ['6 80-90 10000'], add: ['6 80-84 10000', '6 85-90 20000', '6 91-100 20000'] });
  assert.deepEqual(made(openings.planFound('c.test', address, 15, 0)), { remove: ['6 85-90 20000'], add: ['6 85-86 20000', '6 87-87 20000', '6 88-90 20000'] });
});

test('what is over is taken away when its address is opened again, and does not come back', () => {
  const openings = openingsBy(rule('a.test', 80), rule('b.test', 443));
  made(openings.planFound('a.test', address, 1, 0));
  assert.deepEqual(made(openings.planFound('b.test', address, 1, 5000)), { remove: [], add: ['6 443-443 6000'] }, 'the kernel has done that long ago');
  assert.deepEqual(openings.found(5999), [{ address, pattern: 'b.test', untilMs: 6000 }]);
  assert.deepEqual(openings.found(6000), []);
});

test('what has just run out may still be there: one waits until it is plain', () => {
  const openings = openingsBy(rule('a.test', 80));
  made(openings.planFound('a.test', address, 1, 0));
  assert.deepEqual([999, 1000, 1249, 1250].map((nowMs) => openings.doubtfulUntilMs(address, nowMs)), [undefined, 1250, 1250, undefined]);
  assert.equal(openings.doubtfulUntilMs(address + 1, 1000), undefined);
  assert.deepEqual(made(openings.planFound('a.test', address, 1, 1249)).remove, ['6 80-80 1000']);
});

test('protocols and addresses have elements of their own, whatever ports say', () => {
  const tcp: NameRule = { pattern: 'a.test', protocol: 6, ports: undefined, logged: false };
  const openings = openingsBy(rule('a.test', 80), tcp, tcp, { ...tcp, protocol: undefined }, { ...tcp, protocol: 17 });
  assert.deepEqual(made(openings.planFound('a.test', address, 10, 0)).add, ['17 all 10000', '6 80-80 10000', '6 all 10000', 'all all 10000']);
});

test('what one of several rules logs is logged', () => {
  const openings = openingsBy(rule('a.test', 443), rule('a.test', 1, 9), rule('a.test', 443, 443, true), rule('a.test', 5, 9, true));
  assert.deepEqual(made(openings.planFound('a.test', address, 5, 0)).add, ['6 1-4 5000', '6 443-443 5000 logged', '6 5-9 5000 logged']);
});

test('a rule that goes closes what was found by it, and no more', () => {
  const openings = openingsBy(rule('a.test', 80), rule('*.test', 443));
  made(openings.planFound('a.test', address, 10, 0));
  made(openings.planFound('b.test', address + 1, 10, 0));
  assert.deepEqual(made(openings.planRules([rule('a.test', 80)], 1)), { remove: ['6 443-443 10000', '6 443-443 10000'], add: [] });
  assert.deepEqual(show(openings.pieces()), ['6 80-80 10000']);
  assert.deepEqual(made(openings.planRules([rule('a.test', 80), rule('a.test', 8080)], 2)), { remove: [], add: ['6 8080-8080 10000'] }, 'a rule for a name that is known opens at once');
  assert.deepEqual(made(openings.planRules([], 3)), { remove: ['6 80-80 10000', '6 8080-8080 10000'], add: [] });
  assert.deepEqual(openings.found(3), []);
});

test('after a change that may or may not have been made, everything of the address is made anew', () => {
  const openings = openingsBy(rule('a.test', 80), rule('b.test', 81));
  made(openings.planFound('a.test', address, 10, 0));
  openings.planFound('b.test', address, 10, 0)?.failed();
  const change = made(openings.planFound('b.test', address, 10, 0));
  assert.deepEqual(new Set(change.remove), new Set(['6 80-80 10000', '6 81-81 10000']));
  assert.deepEqual(change.add, ['6 80-80 10000', '6 81-81 10000']);
  assert.deepEqual(made(openings.planFound('b.test', address, 10, 0)), { remove: [], add: [] });
});

test('what an earlier server found is open again, by the rules that are left', () => {
  const openings = new Openings();
  openings.restore([rule('a.test', 80)], [{ address, pattern: 'a.test', untilMs: 9000 }, { address, pattern: 'gone.test', untilMs: 9000 }, { address: address + 1, pattern: 'a.test', untilMs: 1000 }], 2000);
  assert.deepEqual(show(openings.pieces()), ['6 80-80 9000']);
  assert.deepEqual(openings.found(2000), [{ address, pattern: 'a.test', untilMs: 9000 }]);
});

test('only so many addresses are open at a time; those that are over make room', () => {
  const openings = openingsBy(rule('*.test', 443));
  for (let index = 0; index < openAddressesLimit; index++) made(openings.planFound('a.test', address + index, 10, 0));
  assert.equal(openings.planFound('a.test', address - 1, 10, 0), undefined);
  assert.deepEqual(made(openings.planFound('b.test', address, 20, 0)).add, ['6 443-443 20000'], 'one that is open already');
  assert.deepEqual(made(openings.planFound('a.test', address - 1, 10, 40_000)), { remove: [], add: ['6 443-443 50000'] });
  assert.equal(openings.pieces().length, 1);
});

test('whatever is opened: no two overlap, everything wanted is open, and nothing else', () => {
  for (let round = 0; round < 300; round++) {
    const ranges = Array.from({ length: 6 }, (_, index) => {
      const first = randomInt(30);
      return { pattern: `n${index}.test`, first, last: first + randomInt(10) };
    });
    const openings = openingsBy(...ranges.map(({ pattern, first, last }) => rule(pattern, first, last)));
    const untilMs = ranges.map(() => 0);
    const kernel = new Map<string, Opening>();
    let nowMs = 0;
    for (let step = 0; step < 20; step++) {
      nowMs += randomInt(3) * 1000;
      for (const [key, { untilMs: until }] of kernel) if (until + 250 <= nowMs) kernel.delete(key);
      const index = randomInt(ranges.length);
      const ttlSeconds = 1 + randomInt(6);
      const change = openings.planFound(ranges[index]!.pattern, address, ttlSeconds, nowMs)!;
      const keyOf = ({ ports }: Opening): string => `${ports!.first}-${ports!.last}`;
      for (const piece of change.remove) assert.ok(kernel.delete(keyOf(piece)));
      for (const piece of change.add) {
        assert.ok([...kernel.values()].every(({ ports }) => piece.ports!.last < ports!.first || ports!.last < piece.ports!.first), 'an overlap');
        kernel.set(keyOf(piece), piece);
      }
      change.done();
      untilMs[index] = Math.max(untilMs[index]!, nowMs + ttlSeconds * 1000);
      for (let port = 0; port < 45; port++) {
        const wanted = Math.max(0, ...ranges.map(({ first, last }, each) => (first <= port && port <= last && untilMs[each]! > nowMs ? untilMs[each]! : 0)));
        const open = [...kernel.values()].filter(({ ports, untilMs: until }) => ports!.first <= port && port <= ports!.last && until > nowMs);
        assert.deepEqual(open.map((piece) => piece.untilMs), wanted === 0 ? [] : [wanted], `port ${port}`);
      }
    }
  }
});
