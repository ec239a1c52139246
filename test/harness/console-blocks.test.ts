import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsAbout, consoleBlocksOf, patternOf, type Ran } from './console-blocks.js';

const document = '# First\n```console\n$ ls\na\nb\n$ true   # nothing\n```\ntext\n```ts\n$ no\n```\n## Second\n```console\nwarden> echo \\\n  --message x\nmessage : x\n```\n';

test('commands, what is shown below them, and the heading', () => {
  assert.deepEqual(consoleBlocksOf(document), [
    { title: 'First', at: 2, prompt: '$', commands: [{ line: 'ls', shown: 'a\nb\n' }, { line: 'true   # nothing', shown: '' }] },
    { title: 'Second', at: 13, prompt: 'warden>', commands: [{ line: 'echo \\\n  --message x', shown: 'message : x\n' }] },
  ]);
  assert.throws(() => consoleBlocksOf('```console\nls\n```\n'), /begins with a command/);
  assert.throws(() => consoleBlocksOf('```console\n$ ls\nwarden> list\n```\n'), /of one kind/);
});

test('what differs from machine to machine may differ, and nothing else', () => {
  const shown = ' 3  running  2025-11-25T21:05:03Z      4.2s  -  sleep 60\ncontainer_path : /var/lib/warden/containers/1j0v9qi0ud8\nuid=10000 10.254.0.2 7.4 MiB\n';
  const pattern = patternOf(shown);
  for (const good of [shown, ' 3  running  2026-01-01T00:00:00Z  1m4s     -  sleep 60\ncontainer_path : /var/tmp/w-1/depot/containers/00000000001\nuid=20301 10.201.3.6 12 KiB\n']) assert.match(good, pattern);
  for (const bad of [shown.replace('60', '61'), shown.replace('running', 'ended'), shown.replace('10000', 'root'), `${shown}more\n`, shown.replace('-  ', '-')]) assert.doesNotMatch(bad, pattern);
});

test('a status other than 0 is a complaint, except where the next command shows it', () => {
  const ran = (line: string, status: number, printed = '', shown = ''): Ran => ({ line, status, printed, shown });
  assert.deepEqual(complaintsAbout([ran('true', 0, 'anything\n')]), []);
  assert.equal(complaintsAbout([ran('false', 1)]).length, 1);
  assert.deepEqual(complaintsAbout([ran('false', 1), ran('echo $?', 0, '1\n', '1\n')]), []);
  assert.equal(complaintsAbout([ran('echo a', 0, 'b\n', 'a\n')]).length, 1);
});
