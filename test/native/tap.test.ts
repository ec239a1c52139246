import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTap } from './tap.js';

test('plans before and behind their checks, several programs, noise between', () => {
  const { checks, mistakes } = parseTap('cc -o x\n1..2\nok 1 - a\nok 2 - b\n./another\nok 1 - c\nnot ok 2 - d\n# x.c:12\n# seen: 3\n1..2\n');
  assert.deepEqual(checks.map(({ name, passed }) => `${passed ? '+' : '-'}${name}`), ['+a', '+b', '+c', '-d']);
  assert.deepEqual(checks[3]?.diagnostics, ['x.c:12', 'seen: 3']);
  assert.deepEqual(mistakes, []);
});

test('checks that did not come are noticed', () => {
  assert.match(parseTap('1..3\nok 1 - a\n').mistakes.join(), /3 checks were planned, 1 came, the last of them: a/);
  assert.match(parseTap('ok 1 - a\nok 2 - b\n').mistakes.join(), /ended before its plan, after the check: b/);
  assert.match(parseTap('ok 1 - a\nok 1 - b\n1..1\n').mistakes.join(), /after the check: a/);
  assert.match(parseTap('1..1\nok 1 - a\n1..2\nok 1 - b\n').mistakes.join(), /2 checks were planned, 1 came/);
});

test('a skipped check keeps its reason', () => {
  assert.deepEqual(parseTap('ok 1 - loop devices # SKIP no /dev/loop-control\n1..1').checks, [
    { name: 'loop devices', passed: true, skipped: 'no /dev/loop-control', diagnostics: [] },
  ]);
});
