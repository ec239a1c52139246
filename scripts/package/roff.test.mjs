import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inline, manualPage, roffOf } from './roff.mjs';

test('inline marks become fonts, and what roff would read is kept as it is', () => {
  assert.equal(inline('say `--json` to **all** of *them*'), 'say \\fB\\%\\-\\-json\\fR to \\fBall\\fR of \\fIthem\\fR');
  assert.equal(inline('[the **page**](docs/x.md#a_(b)) of `a b`'), 'the \\fBpage\\fR of \\fB\\%a \\%b\\fR');
  assert.equal(inline('well-known, -v and C:\\dir'), 'well-known, \\-v and C:\\edir');
  assert.equal(inline('`a\'b\\n`'), '\\fB\\%a\\(aqb\\en\\fR');
  assert.equal(inline('2 * 3 * 4, \\*literal\\* and \\`this\\`'), '2 * 3 * 4, *literal* and `this`');
  assert.equal(inline('*N*`:`*M*'), '\\fIN\\fR\\fB:\\fR\\fIM\\fR');
});

test('blocks', () => {
  assert.deepEqual(roffOf('# Title\n\n## One `thing`\n\ntext\nof two lines\n\nmore'), ['.SH "ONE THING"', 'text of two lines', '.PP', 'more']);
  assert.deepEqual(roffOf('### Part\n```console\n.x\n\n$ a-b\n```'), ['.SS "Part"', '.RS 4', '.EX', '\\&.x', '\\&', '$ a\\-b', '.EE', '.RE']);
  assert.deepEqual(roffOf('first:\n- one\n  goes on\n- two\n1. three'), ['.PP', 'first:', '.IP \\(bu 2', 'one goes on', '.IP \\(bu 2', 'two', '.IP 1. 4', 'three']);
  assert.deepEqual(roffOf('| option | |\n|---|---|\n| `-a` | does *it* |\n| b\\|c | |'), ['.TP', '\\fB\\%\\-a\\fR', 'does \\fIit\\fR', '.TP', 'b|c', '\\&']);
  assert.deepEqual(roffOf('| key | default | effect |\n|---|---|---|\n| `k` | `1` | x |\n| `l` | none | y |'), ['.TP', '\\fB\\%k\\fR (default \\fB1\\fR)', 'x', '.TP', '\\fB\\%l\\fR (no default)', 'y']);
});

test('a line of text is no request, wherever it is broken', () => {
  const lines = roffOf(`${'word '.repeat(15)}.so /etc/passwd ${'x '.repeat(45)}'again`).join('\n').split('\n');
  assert.ok(lines.length > 2);
  assert.deepEqual(lines.filter((line) => /^[.']/.test(line)), ['.PP']);
});

test('mandoc finds nothing wrong, and shows what was written', () => {
  const markdown = "## NAME\n\nx - y\n\n## DESCRIPTION\n\n.dot 'quote' \\\\ back — `a\\b` …\n\n```\n'.x \\n ~^`\n```\n\n| a | b |\n|---|---|\n| .term | 'text |\n\n- .item\n";
  const page = manualPage({ name: 'x', section: 1, date: '2026-01-02', version: '1.2.3', markdown });
  assert.match(page, /^[\x20-\x7e\n]*$/);
  const lint = spawnSync('mandoc', ['-Tlint', '-W', 'warning'], { input: page, encoding: 'utf8' });
  assert.deepEqual([lint.status, lint.stdout, lint.stderr], [0, '', '']);
  const { stdout } = spawnSync('mandoc', ['-Tutf8', '-O', 'width=78'], { input: page, encoding: 'utf8' });
  const text = stdout.replace(/.\x08/gu, '');
  for (const part of [".dot 'quote' \\ back — a\\b …", "'.x \\n ~^`", '.term', "'text", '.item', 'warden 1.2.3']) assert.ok(text.includes(part), `${part} in ${text}`);
});
