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
