import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from './command-line.js';

const sources = (configPath?: string, settings: string[] = []) => ({ configPath, settings, environment: {} });

test('what wardend is asked to do', () => {
  assert.deepEqual(parseCommandLine(['--config', 'x.yml']), { action: 'serve', sources: sources('x.yml') });
  assert.deepEqual(parseCommandLine([]), { action: 'serve', sources: sources() });
  assert.deepEqual(parseCommandLine(['--set', 'a.b=1', '--set', 'c.d=2', '--check-config']), { action: 'check', sources: sources(undefined, ['a.b=1', 'c.d=2']) });
  assert.deepEqual(parseCommandLine(['--show-config', '--origin']), { action: 'show', sources: sources(), origin: true, json: false });
  assert.deepEqual(parseCommandLine(['--help', '--config', 'x']), { action: 'help' });
});

for (const [argv, reason] of [
  [['--config', ''], /needs a file/],
  [['--confg', 'x'], /confg/],
  [['x.yml'], /x\.yml/],
  [['--origin'], /--show-config/],
  [['--check-config', '--show-config'], /two commands/],
] as const) {
  test(`refused: ${argv.join(' ')}`, () => {
    const commandLine = parseCommandLine(argv);
    assert.ok(commandLine.action === 'refuse');
    assert.match(commandLine.reason, reason);
  });
}
