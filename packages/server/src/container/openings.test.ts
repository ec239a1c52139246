import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { openAddressesLimit, Openings, type Opening, type OpenPorts } from './openings.js';

const address = 0xc633_6401;
const ports = (first: number, last = first, logged = false): OpenPorts => ({ protocols: [{ first: 6, last: 6 }], ports: { first, last }, logged });
const show = (list: readonly Opening[]): string[] =>
  list.map(({ protocols, ports: { first, last }, logged, untilMs }) => `${protocols.first} ${first}-${last} ${untilMs}${logged ? ' logged' : ''}`).sort();

function open(openings: Openings, wanted: readonly OpenPorts[], ttlSeconds: number, nowMs: number, at = address) {
  const change = openings.plan(at, wanted, ttlSeconds, nowMs);
  assert.ok(change !== undefined);
  openings.apply(change);
  return { remove: show(change.remove), add: show(change.add) };
}

test('an answer opens its ports, rounded up to a second; the same again changes nothing', () => {
  const openings = new Openings();
  assert.deepEqual(open(openings, [ports(443)], 60, 1000.5), { remove: [], add: ['6 443-443 62000'] });
  assert.deepEqual(open(openings, [ports(443)], 60, 1999), { remove: [], add: [] });
  assert.deepEqual(open(openings, [ports(443)], 60, 2001), { remove: ['6 443-443 62000'], add: ['6 443-443 63000'] });
});

test('a shorter time never closes what is open for longer', () => {
  const openings = new Openings();
  open(openings, [ports(443)], 3600, 0);
  assert.deepEqual(open(openings, [ports(443)], 1, 0), { remove: [], add: [] });
});

test('ranges that overlap are cut; each piece is open as long as the longest says', () => {
  const openings = new Openings();
  open(openings, [ports(80, 90)], 10, 0);
  assert.deepEqual(open(openings, [ports(85, 100)], 20, 0), { remove: ['6 80-90 10000'], add: ['6 80-84 10000', '6 85-100 20000'] });
  assert.deepEqual(open(openings, [ports(87)], 30, 0), { remove: ['6 85-100 20000'], add: ['6 85-86 20000', '6 87-87 30000', '6 88-100 20000'] });
  assert.deepEqual(open(openings, [ports(1, 65_535)], 40, 0), { remove: ['6 80-84 10000', '6 85-86 20000', '6 87-87 30000', '6 88-100 20000'], add: ['6 1-65535 40000'] });
});

test('what is over is taken away when its address is opened again, and does not come back', () => {
  const openings = new Openings();
  open(openings, [ports(80)], 1, 0);
  assert.deepEqual(open(openings, [ports(443)], 1, 5000), { remove: ['6 80-80 1000'], add: ['6 443-443 6000'] });
  assert.deepEqual(show(openings.at(5999)), ['6 443-443 6000']);
  assert.deepEqual(openings.at(6000), []);
});

test('protocols and logging are kept apart', () => {
  const openings = new Openings();
  const all: OpenPorts = { protocols: [{ first: 0, last: 5 }, { first: 6, last: 6 }], ports: { first: 0, last: 65_535 }, logged: false };
  open(openings, [all, ports(443, 443, true)], 10, 0);
  assert.deepEqual(show(openings.all()), ['0 0-65535 10000', '6 0-65535 10000', '6 443-443 10000 logged']);
});

test('only so many addresses are open at a time; those that are over make room', () => {
  const openings = new Openings();
  for (let index = 0; index < openAddressesLimit; index++) open(openings, [ports(443)], 10, 0, address + index);
  assert.equal(openings.plan(address - 1, [ports(443)], 10, 0), undefined);
  assert.deepEqual(open(openings, [ports(80)], 10, 0), { remove: [], add: ['6 80-80 10000'] }, 'one that is open already');
  assert.deepEqual(open(openings, [ports(443)], 10, 30_000, address - 1), { remove: [], add: ['6 443-443 40000'] });
  assert.equal(openings.all().length, 1);
});

test('whatever is opened: no two overlap, everything wanted is open, and nothing else', () => {
  for (let round = 0; round < 300; round++) {
    const openings = new Openings();
    const wanted: { first: number; last: number; untilMs: number }[] = [];
    let nowMs = 0;
    for (let step = 0; step < 12; step++) {
      nowMs += randomInt(3) * 1000;
      const first = randomInt(30);
      const last = first + randomInt(10);
      const ttlSeconds = 1 + randomInt(6);
      open(openings, [ports(first, last)], ttlSeconds, nowMs);
      wanted.push({ first, last, untilMs: nowMs + ttlSeconds * 1000 });
      const now = openings.at(nowMs);
      for (let port = 0; port < 45; port++) {
        const covering = now.filter(({ ports: range }) => range.first <= port && port <= range.last);
        const untilMs = Math.max(0, ...wanted.filter((each) => each.first <= port && port <= each.last && each.untilMs > nowMs).map((each) => each.untilMs));
        assert.deepEqual(covering.map((opening) => opening.untilMs), untilMs === 0 ? [] : [untilMs], `port ${port}`);
      }
    }
  }
});
