import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { canonicalName, canonicalReference, parseImageName, parseImageReference } from './image-name.js';

const digest = `sha256:${'0a'.repeat(32)}`;

it('names are read as they always have been, and have one text', () => {
  for (const [text, host, path, tag] of [
    ['demo', undefined, 'demo', 'latest'], ['team/app:1.2', undefined, 'team/app', '1.2'], ['localhost/app', 'localhost', 'app', 'latest'],
    ['registry.example/a/b_c/d-e.f__g:V_1', 'registry.example', 'a/b_c/d-e.f__g', 'V_1'], ['localhost:5000/app:x', 'localhost:5000', 'app', 'x'],
    ['[::1]:5000/app', '[::1]:5000', 'app', 'latest'], ['10.0.0.1/app', '10.0.0.1', 'app', 'latest'], ['a---b', undefined, 'a---b', 'latest'],
  ] as const) {
    const name = parseImageName(text);
    assert.deepEqual(name, { host, path, tag }, text);
    assert.deepEqual(parseImageName(canonicalName(name)), name, text);
  }
});

it('references may name the manifest', () => {
  const reference = parseImageReference(`registry.example/app@${digest}`);
  assert.deepEqual(reference, { host: 'registry.example', path: 'app', tag: 'latest', digest });
  assert.equal(canonicalReference(reference), `registry.example/app:latest@${digest}`);
  assert.throws(() => parseImageName(`app@${digest}`), /ends in a tag/);
});

it('what is none is refused by its reason', () => {
  for (const text of [
    '', ':', '/', 'a/', '/a', 'a//b', 'A', 'a:', 'a:b:c', 'a: b', '-a', 'a-', 'a..b', 'a___b', 'a b', 'a\n', 'ä', '../a', 'a/../b', '.', 'a@', 'a@sha256:', `a@${digest.toUpperCase()}`, `a@${digest}@${digest}`, 'a@md5:00', 'localhost:/a',
    'localhost:0/a', 'localhost:65536/a', 'host..name/a', '-host.x/a', 'h$.x/a', '[::1/a', 'a:-b', `a:${'t'.repeat(129)}`, 'a'.repeat(256), `x.y/${'a'.repeat(2000)}`, '$(id)', 'a;b', 'a?b', 'a#b', '%2e', 'user@host/a',
  ]) {
    assert.throws(() => parseImageName(text), (error) => error instanceof WardenError && error.code === 'invalid_argument' && error.message.length < 400, JSON.stringify(text));
  }
});
