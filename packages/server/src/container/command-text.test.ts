import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOfArguments, commandOfScript } from './command-text.js';

test('an argument vector is shown in shell words', () => {
  assert.equal(commandOfArguments(['ls', '-l', '/tmp']), 'ls -l /tmp');
  assert.equal(commandOfArguments(['echo', '', 'a b', '$(id)', 'it\'s']), 'echo \'\' \'a b\' \'$(id)\' \'it\'\\\'\'s\'');
});

test('a script is shown by its first line that says something', () => {
  assert.equal(commandOfScript('make test'), 'make test');
  assert.equal(commandOfScript('\n  \n  make test\n\n'), 'make test');
  assert.equal(commandOfScript('make\nmake install\n'), 'make …');
  assert.deepEqual([commandOfScript('x'), commandOfScript(' x '), commandOfScript('x \u001b[31m')], ['x', 'x', 'x  [31m']);
  for (const script of ['', '\n', '  \n\t']) assert.equal(commandOfScript(script), '');
});

test('it is one line, moves no cursor, and is cut between two characters', () => {
  assert.equal(commandOfArguments(['echo', 'a\nb\u001b[31m\u2028c']), 'echo \'a b [31m c\'');
  assert.equal(commandOfScript('echo \ud800\u009b31m'), 'echo  31m');
  for (const text of [commandOfScript('ü'.repeat(1000)), commandOfScript(`x${'\u{1f980}'.repeat(100)}\nmore`), commandOfArguments(['x', 'ü'.repeat(100_000)]), commandOfScript(`${'x'.repeat(255)}\ny`)]) {
    const size = Buffer.byteLength(text);
    assert.ok(size <= 256 && size > 250, `${size} bytes`);
    assert.ok(text.endsWith('…') && !text.includes('\ufffd'), text);
  }
  assert.equal(commandOfScript('x'.repeat(256)), 'x'.repeat(256));
});

test('only the beginning is looked at: a script may have megabytes', () => {
  assert.equal(commandOfScript(`${' '.repeat(2000)}x`), '');
  assert.equal(commandOfScript(`x\n${' '.repeat(2000)}`), 'x …');
});
