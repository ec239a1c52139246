import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommandReader, CommandSyntaxError, quoteWord } from './command-reader.js';

function commandsIn(...pieces: string[]): (readonly string[])[] {
  const reader = new CommandReader();
  const commands = pieces.flatMap((piece) => [...reader.push(piece)]);
  return [...commands, ...reader.end()].map(({ words }) => words);
}

describe('CommandReader', () => {
  for (const [text, words] of [
    ['ping', ['ping']],
    ['  run\t--handle   x  ', ['run', '--handle', 'x']],
    ['echo --message \'a "b" $c \\d\'', ['echo', '--message', 'a "b" $c \\d']],
    ['echo "a \'b\' \\"c\\" \\$d \\\\ \\n \\`"', ['echo', 'a \'b\' "c" $d \\ \\n `']],
    ['a\\ b \\\'c\\\' \\\\', ['a b', '\'c\'', '\\']],
    ['x""y \'\' ""', ['xy', '', '']],
    ['pre\'fix\'"ed"', ['prefixed']],
    ['a \\\nb', ['a', 'b']],
    ['lo\\\nng', ['long']],
    ['run --script "one\ntwo \\\nthree\n"', ['run', '--script', 'one\ntwo three\n']],
    ['a # b', ['a', '#', 'b']],
    ['x#y', ['x#y']],
    ['ping\r', ['ping']],
    ['"a\r\nb"', ['a\r\nb']],
    ['$(id) `x` *', ['$(id)', '`x`', '*']],
    ['ünï "✓ \u{1f980}"', ['ünï', '✓ \u{1f980}']],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(commandsIn(text), [words]);
      assert.deepEqual(commandsIn(`${text}\n`), [words]);
      assert.deepEqual(commandsIn(...text), [words], 'in pieces of one character');
    });
  }

  it('separates commands by lines, and drops empty lines and comments', () => {
    assert.deepEqual(commandsIn('\n\n a\n# comment \'with" quotes\\\n  # another\nb c\n\n'), [['a'], ['b', 'c']]);
  });

  it('keeps the text as it was written', () => {
    const reader = new CommandReader();
    assert.deepEqual([...reader.push('a "b\nc" \nd')].map(({ text }) => text), ['a "b\nc" ']);
    assert.deepEqual([...reader.push('e\n')].map(({ text }) => text), ['de']);
  });

  it('knows when a command goes on', () => {
    const reader = new CommandReader();
    for (const [text, continuing] of [['a\n', false], ['"', true], ['\n', true], ['"', false], ['\\', true], ['\n', false], ['\'', true], ['\\', true], ['\'', false]] as const) {
      [...reader.push(text)];
      assert.equal(reader.continuing, continuing, text);
    }
  });

  it('refuses an end inside quotes, and can be used again', () => {
    const reader = new CommandReader();
    for (const [text, found] of [['a "b\n', '"'], ['a \'b', '\''], ['a\\', 'a backslash']] as const) {
      assert.deepEqual([...reader.push(text)], []);
      assert.throws(() => [...reader.end()], (error) => error instanceof CommandSyntaxError && error.message.includes(`inside a command: ${found}`));
    }
    assert.deepEqual([...reader.push('ping\n')].map(({ words }) => words), [['ping']]);
  });

  it('bounds the length of a command', () => {
    const reader = new CommandReader(10);
    assert.equal([...reader.push('123456789\n123456789\n')].length, 2);
    [...reader.push('"12345')];
    assert.throws(() => [...reader.push('67890')], CommandSyntaxError);
    assert.equal([...reader.push('ping\n')].length, 1);
  });

  it('tells what has been begun', () => {
    const partial = (text: string): unknown => {
      const reader = new CommandReader();
      [...reader.push(text)];
      return reader.partial;
    };
    assert.deepEqual(partial('run --ha'), { words: ['run'], word: '--ha', written: '--ha' });
    assert.deepEqual(partial('run '), { words: ['run'], word: '', written: '' });
    assert.deepEqual(partial('x; a "b c'), { words: ['x;', 'a'], word: 'b c', written: '"b c' });
    assert.deepEqual(partial('x \\ b'), { words: ['x'], word: ' b', written: '\\ b' });
    assert.deepEqual(partial('y\nx a\'b\'c'), { words: ['x'], word: 'abc', written: 'a\'b\'c' });
  });
});

describe('quoteWord', () => {
  it('makes words that are read as they are', () => {
    for (const word of ['x', '', 'a b', '\'', '"', '\\', 'a\nb', '$(id)', '#', '../../x', '__proto__', 'it\'s "x"', '--bind_mounts[0].mode', '*', '~']) {
      assert.deepEqual(commandsIn(quoteWord(word)), [[word]], word);
    }
    assert.equal(quoteWord('17sd5s9j2ag'), '17sd5s9j2ag');
  });
});
