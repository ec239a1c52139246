import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLabelFilters, checkLabels, hasLabels, labelsOf, noLabels } from './labels.js';

const label = (key: string, value = ''): { key: string; value: string } => ({ key, value });
const refused = (labels: ReturnType<typeof label>[], message: RegExp): void => assert.throws(() => checkLabels(labels), { code: 'invalid_argument', message });

test('labels are kept as they are given, whatever names objects have', () => {
  const given = [label('team', 'a b'), label('__proto__', 'x'), label('constructor'), label('ünï ✓', 'tab\tand\nline')];
  assert.deepEqual(labelsOf(checkLabels(given)), given);
  assert.equal(checkLabels([]), noLabels);
});

test('they are few and short', () => {
  const many = Array.from({ length: 64 }, (_, index) => label(`${index}`));
  assert.equal(checkLabels(many).size, 64);
  refused([...many, label('one more')], /^labels: 65 are too many, the limit is 64$/);
  // A character of two units is one.
  const longest = '\u{1F980}'.repeat(128);
  assert.equal(checkLabels([label(longest, 'ü'.repeat(512))]).size, 1);
  refused([label(`${longest}x`)], /^labels\[0\]: a key has more than 128 characters$/);
  refused([label('x'.repeat(10_000_000))], /more than 128 characters/);
  refused([label('ok'), label('k', `${'ü'.repeat(512)}x`)], /^labels\[1\]: a value of 1025 bytes is too long, the limit is 1024$/);
});

test('a key is one word for commands and terminals, and there once', () => {
  refused([label('')], /a key must not be empty/);
  for (const key of ['a=b', 'a\nb', '\u001b[2J', 'a\u0000', '\u0085', '\u007f']) refused([label(key)], /no control characters and no "="/);
  for (const value of ['\u001b[2J', '\u0000', '\r', '\u009b']) refused([label('key', value)], /a value must have no control characters/);
  refused([label('a', '1'), label('b'), label('a', '2')], /^labels\[2\]: the key a is given twice$/);
});

test('a filter is a key with any value, or with one', () => {
  const labels = checkLabels([label('team', 'red'), label('empty')]);
  assert.ok(hasLabels(labels, []));
  assert.ok(hasLabels(labels, [{ key: 'team' }, { key: 'empty', value: '' }]));
  assert.ok(hasLabels(labels, [{ key: 'team', value: 'red' }]));
  assert.ok(!hasLabels(labels, [{ key: 'team', value: 'red' }, { key: 'nothing' }]));
  assert.ok(!hasLabels(labels, [{ key: 'team', value: '' }]));
  assert.throws(() => checkLabelFilters(Array.from({ length: 65 }, () => ({ key: 'x' }))), { code: 'invalid_argument' });
});
