import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerIds, isContainerId } from './container-id.js';

test('ids have 11 digits of 0-9a-v, are unique and increase, also within a microsecond', () => {
  const ids = new ContainerIds(() => 1_700_000_000_000);
  const made = Array.from({ length: 1000 }, () => ids.next());
  assert.ok(made.every(isContainerId));
  assert.deepEqual([...made].sort(), made);
  assert.equal(new Set(made).size, made.length);
});

test('they go on behind those of an earlier server, also when the clock was set back', () => {
  const before = new ContainerIds(() => 1_800_000_000_000).next();
  const ids = new ContainerIds(() => 1_700_000_000_000);
  ids.follow(before);
  assert.ok(ids.next() > before);
});

test('what is no id', () => {
  for (const text of ['', '1234567890', '123456789012', '1234567890w', '../../../..', '1234567890A']) assert.equal(isContainerId(text), false, text);
});

/** Ids of which some wait, with what was passed by. */
function makeIds(): { ids: ContainerIds; passed: string[] } {
  const ids = new ContainerIds(() => 1_700_000_000_000);
  const passed: string[] = [];
  ids.onPassed = (id) => passed.push(id);
  return { ids, passed };
}

test('handles increase in the order in which they are given, also when some were made in advance', () => {
  const { ids, passed } = makeIds();
  const given = [ids.next()];
  const waiting = [ids.reserve(), ids.reserve(), ids.reserve()];
  given.push(ids.next(), ids.next());
  for (const id of waiting) {
    ids.give(id);
    given.push(id, ids.next());
  }
  given.push(ids.next(), ids.reserve());
  assert.deepEqual([...given].sort(), given);
  assert.equal(new Set(given).size, given.length);
  assert.deepEqual(passed, []);
});

test('when more are given than were left free before one that waits, it is passed by, and no number is given twice', () => {
  const { ids, passed } = makeIds();
  const [first, second] = [ids.reserve(), ids.reserve()];
  const given = Array.from({ length: 1500 }, () => ids.next());
  assert.deepEqual([passed, ids.isReserved(first), ids.isReserved(second)], [[first], false, true]);
  assert.ok(given.every((id) => id < second));
  given.push(second, ...Array.from({ length: 600 }, () => ids.next()));
  assert.deepEqual(passed, [first, second]);
  assert.equal(new Set([...given, first]).size, given.length + 1);
});

test('ids for handles of the clients\' own lie in nobody\'s block', () => {
  const { ids } = makeIds();
  const all = [ids.reserve(), ids.nextUnlisted(), ids.nextUnlisted(), ids.reserve()];
  ids.drop(all[0]!);
  for (let number = 0; number < 999; number++) all.push(ids.next());
  assert.equal(new Set(all).size, all.length);
});

test('what of several kinds is left of one, and waits behind ids that were given, is passed by', () => {
  const { ids, passed } = makeIds();
  ids.isOneOrder = false;
  const first = ids.reserve();
  const given = ids.next();
  const second = ids.reserve();
  assert.deepEqual([given > first, passed], [true, []]);
  ids.isOneOrder = true;
  assert.deepEqual([passed, ids.isReserved(second)], [[first], true]);
  const next = ids.next();
  assert.ok(next > given && next < second);
});

test('of an earlier server\'s the first is passed by when another handle is wanted: nobody knows what was given before it', () => {
  const before = makeIds().ids;
  const waiting = [before.reserve(), before.reserve()];
  const given = [before.next(), before.next()];
  const { ids, passed } = makeIds();
  for (const id of [...waiting].reverse()) ids.restore(id);
  const next = ids.next();
  assert.ok(next > waiting[0]! && next < waiting[1]! && !given.includes(next));
  assert.deepEqual(passed, [waiting[0]]);
  // Claimed first, it is the next one.
  const other = makeIds();
  for (const id of waiting) other.ids.restore(id);
  other.ids.give(waiting[0]!);
  assert.ok(other.ids.next() > waiting[0]!);
  assert.deepEqual(other.passed, []);
  other.ids.passUpTo(before.nextUnlisted());
  assert.deepEqual(other.passed, [waiting[1]]);
});
