import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { subcommandHelp } from './help.js';
import { parseOptions } from './options.js';
import type { Subcommand } from './subcommand.js';

const plain: Subcommand = {
  name: 'look',
  summary: 'look at things',
  usage: '[OPTION…] THING…',
  options: { all: { short: 'a', about: 'all' }, quick: { short: 'q', about: 'quickly' }, env: { short: 'e', value: 'NAME', many: true, about: 'names' }, kind: { value: 'KIND', choices: ['one', 'two'], about: 'kind' } },
  fewest: 1,
  most: 2,
  json: true,
  run: () => Promise.resolve(0),
};
const own: Subcommand = { ...plain, most: 100, ownWords: true };

describe('options', () => {
  it('are read wherever they stand', () => {
    const call = parseOptions(plain, ['x', '-aq', '-e', 'A', '--env=B', '-eC', 'y', '--kind', 'two', '-o', 'json']);
    assert.deepEqual([call.operands, call.flag('all'), call.flag('quick'), call.values('env'), call.value('env'), call.value('kind'), call.json, call.help], [['x', 'y'], true, true, ['A', 'B', 'C'], 'C', 'two', true, false]);
    const none = parseOptions(plain, ['--', '-a']);
    assert.deepEqual([none.operands, none.flag('all'), none.values('env'), none.value('kind'), none.json], [['-a'], false, [], undefined, false]);
    assert.deepEqual(parseOptions(plain, ['-', '--env', '-', '--env=-a']).values('env'), ['-', '-a']);
  });

  it('end at the first operand when the rest is a command', () => {
    assert.deepEqual(parseOptions(own, ['-a', 'x', 'ls', '-q', '--', '--help']).operands, ['x', 'ls', '-q', '--', '--help']);
    assert.deepEqual(parseOptions(own, ['-e', 'x', '--', 'ls', '-q']).operands, ['--', 'ls', '-q']);
    assert.equal(parseOptions(own, ['x', '--help']).help, false);
    assert.equal(parseOptions(own, ['-a', '--help', 'x']).help, true);
    assert.equal(parseOptions(own, ['--help']).help, true);
  });

  for (const [words, message] of [
    [['--nope', 'x'], /^unknown option --nope of look; look --help lists them$/],
    [['-x'], /^unknown option -x of look/],
    [['-ax', 'y'], /^unknown option -x of look/],
    [['--__proto__', 'x'], /^unknown option --__proto__ of look/],
    [['x', '--env'], /^--env of look needs a value: --env NAME$/],
    [['x', '-e', '--all'], /^-e of look needs a value/],
    [['x', '--all=1'], /^--all of look takes no value$/],
    [['x', '--kind', 'three'], /^--kind of look is one of one, two, not "three"$/],
    [['x', '-o', 'xml'], /^-o of look is one of table, json/],
    [[], /^usage: look \[OPTION…\] THING…; look --help tells more$/],
    [['x', 'y', 'z'], /^usage: look/],
  ] as const) it(`refuse ${JSON.stringify(words)}`, () => assert.throws(() => parseOptions(plain, words), { code: 'invalid_argument', message }));
});

it('help names everything', () => {
  assert.equal(subcommandHelp({ ...plain, notes: 'More.' }), `look: look at things
usage: look [OPTION…] THING…

options:
  -a, --all            all
  -q, --quick          quickly
  -e, --env NAME       names
      --kind KIND      kind
  -o, --output FORMAT  table, or json for programs
      --help           show this

More.
`);
});
