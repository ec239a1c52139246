import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { paintFor } from './colour.js';
import { jsonText } from './json-text.js';
import { printable, printableBytes } from './print.js';
import { tableLines } from './table.js';

it('colours are on terminals alone, and where nobody objects', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  assert.equal(paintFor(terminal, {})('red', 'x'), '\u001b[31mx\u001b[0m');
  assert.equal(paintFor(terminal, { NO_COLOR: '' })('red', 'x'), '\u001b[31mx\u001b[0m');
  for (const [stream, environment] of [[new PassThrough(), {}], [terminal, { NO_COLOR: '1' }], [terminal, { TERM: 'dumb' }]] as const) assert.equal(paintFor(stream, environment)('red', 'x'), 'x');
});

it('tables are aligned whatever their colours, and no line is longer than is wanted', () => {
  const columns = [{ heading: 'A' }, { heading: 'STATE', colour: () => 'green' as const }, { heading: 'N', alignRight: true }];
  const rows = [['x', 'on', '10'], ['longer', 'off', '7']];
  const plain = ['A       STATE   N', 'x       on     10', 'longer  off     7'];
  assert.deepEqual(tableLines(columns, rows), plain);
  const painted = tableLines(columns, rows, (colour, text) => `<${colour} ${text}>`);
  assert.equal(painted[1], 'x       <green on>     10');
  assert.deepEqual(painted.map((line) => line.replace(/<\w+ (.*?)>/g, '$1')), plain);
  assert.deepEqual(tableLines(columns, rows, undefined, 9), ['A       S', 'x       o', 'longer  o']);
});

it('text from elsewhere cannot turn writing around, or hide in bytes', () => {
  assert.equal(printable('a\u202eb\u2066c\u2028d'), 'a\\u{202e}b\\u{2066}c\\u{2028}d');
  assert.equal(printableBytes(Buffer.from('a\tb\nc\u001bü')), 'a\\tb\\nc\\x1bü');
  assert.equal(printableBytes(Buffer.from([0x61, 0xff, 0x9b])), 'aÿ\\x9b');
  assert.equal(jsonText({ labels: { aB: '\u009b\u202e' } }), '{\n  "labels": {\n    "aB": "\\u009b\\u202e"\n  }\n}\n');
});
