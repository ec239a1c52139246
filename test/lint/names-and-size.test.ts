import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints, isGenerated, sourceFiles } from './source-files.js';
import type { Rule } from './source-files.js';

const MOST_LINES = 400;
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?\.(?:ts|mjs|js|c|h|yml)$/;
const EMPTY_NAME = /(?:manager|impl|helpers?|utils?|misc|common)/i;

const size: Rule = ({ text }) => {
  const lines = text.split('\n').length - 1;
  return lines > MOST_LINES ? [`${lines} lines; above ${MOST_LINES} there are usually two concerns`] : [];
};

const fileName: Rule = ({ path }) => {
  const name = path.split('/').at(-1) ?? '';
  const stem = name.replace(/\..*$/, '');
  return [
    ...(KEBAB.test(name) ? [] : [`${name} is not kebab-case`]),
    ...(stem.split('-').some((part) => new RegExp(`^${EMPTY_NAME.source}$`, 'i').test(part)) ? [`${name} says nothing about what is in it`] : []),
  ];
};

const typeName: Rule = ({ text }) =>
  [...text.matchAll(/^\s*(?:export\s+)?(?:abstract\s+)?(?:class|interface|type)\s+([A-Za-z0-9]+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((name) => /(?:Manager|Impl|Helper|Utils?)$/.test(name))
    .map((name) => `${name} says nothing about what it does`);

const code = sourceFiles(/\.(?:ts|mjs|js|c|h)$/).filter(({ path }) => !isGenerated(path));

test('no source file has more than 400 lines', () => {
  assert.ok(code.length > 50);
  assert.deepEqual(complaints(size, code), []);
  assert.equal(size({ path: 'x.ts', text: '\n'.repeat(MOST_LINES + 1) }).length, 1);
  assert.equal(size({ path: 'x.ts', text: '\n'.repeat(MOST_LINES) }).length, 0);
});

test('source files have kebab-case names that say what is in them', () => {
  assert.deepEqual(complaints(fileName, code), []);
  for (const bad of ['src/undoStack.ts', 'src/undo_stack.ts', 'src/Undo.ts', 'src/string-utils.ts', 'src/helper.c']) assert.equal(fileName({ path: bad, text: '' }).length, 1, bad);
  for (const good of ['src/undo-stack.ts', 'src/undo-stack.test.ts', 'lib/wire.h']) assert.equal(fileName({ path: good, text: '' }).length, 0, good);
});

test('types are not called Manager, Impl, Helper or Utils', () => {
  assert.deepEqual(complaints(typeName, code), []);
  assert.equal(typeName({ path: 'x.ts', text: 'export class PortManager {' }).length, 1);
  assert.equal(typeName({ path: 'x.ts', text: 'export interface HostImpl {' }).length, 1);
  assert.equal(typeName({ path: 'x.ts', text: 'export class PortPool {' }).length, 0);
});
