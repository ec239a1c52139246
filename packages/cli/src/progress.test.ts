import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from './progress.js';

test('on a terminal there is one line, drawn again, never longer than the terminal', () => {
  let text = '';
  const progress = new Progress({ isTTY: true, columns: 40, write: (more) => (text += more) });
  progress.show(0.5, 'extracting archives and a long tail');
  progress.show(0.25, 'earlier');
  progress.clear();
  const lines = text.split('\r\u001b[K').slice(1);
  assert.deepEqual(lines, ['[############............]  50 %  extracti'.slice(0, 39), '[############............]  50 %  earlie'.slice(0, 39), '']);
});

test('work without a known end has its line on a terminal alone', () => {
  for (const isTTY of [true, false]) {
    let text = '';
    const progress = new Progress({ isTTY, columns: 40, write: (more) => (text += more) });
    progress.note('12 entries');
    progress.clear();
    assert.equal(text, isTTY ? '\r\u001b[K12 entries\r\u001b[K' : '');
  }
});

test('elsewhere there is a line for each step forward', () => {
  let text = '';
  const progress = new Progress({ write: (more) => (text += more) });
  for (const [done, what] of [[0.1, 'a'], [0.1, 'b'], [0.05, 'c'], [1, 'd']] as const) progress.show(done, what);
  progress.clear();
  assert.equal(text, ' 10 %  a\n100 %  d\n');
});
