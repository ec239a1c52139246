/* docs/operations.md: every line of "What survives what" is proved by tests that are there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { complaints, repository, sourceFiles } from './source-files.js';
import type { Rule } from './source-files.js';

interface Proof { readonly numbers: string[]; readonly path: string; readonly name: string }

function cellsOf(line: string): string[] {
  return line.split('|').slice(1, -1).map((cell) => cell.trim());
}

const isNumbers = (cell: string): boolean => /^\d+(?:, \d+)*$/.test(cell);

/** Rows of the second table: numbers, file, test. */
function proofsOf(text: string): Proof[] {
  return text.split('\n').map(cellsOf).filter((cells) => cells.length === 3 && isNumbers(cells[0] ?? ''))
    .map(([numbers = '', path = '', name = '']) => ({ numbers: numbers.split(', '), path, name }));
}

/** The last cell of each row of the first table. */
function rowsOf(text: string): { readonly row: string; readonly numbers: string[] }[] {
  return text.split('\n').map(cellsOf).filter((cells) => cells.length === 9 && isNumbers(cells[8] ?? ''))
    .map((cells) => ({ row: cells[0] ?? '', numbers: (cells[8] ?? '').split(', ') }));
}

/** In a quoted text an apostrophe has a backslash before it. */
function contains(source: string, name: string): boolean {
  return source.includes(name) || source.includes(name.replaceAll("'", "\\'"));
}

const rule: Rule = ({ text }) => {
  const [section = ''] = text.split('## What survives what').slice(1);
  const proofs = proofsOf(section);
  const rows = rowsOf(section);
  const proved = new Set(proofs.flatMap(({ numbers }) => numbers));
  const known = new Set(rows.flatMap(({ numbers }) => numbers));
  return [
    ...rows.filter(({ numbers }) => numbers.some((number) => !proved.has(number))).map(({ row }) => `no test is named for: ${row}`),
    ...[...proved].filter((number) => !known.has(number)).map((number) => `tests are named for ${number}, which is no row`),
    ...proofs.flatMap(({ path, name }) => {
      const file = join(repository, path);
      if (!existsSync(file)) return [`there is no ${path}`];
      return contains(readFileSync(file, 'utf8'), name) ? [] : [`${path} has no test called: ${name}`];
    }),
  ];
};

const header = '## What survives what\n';
const row = (number: string): string => `| a | b | c | d | e | f | g | h | ${number} |\n`;

test('the tests that prove what survives what are there', () => {
  const files = sourceFiles(/^docs\/operations\.md$/);
  assert.equal(files.length, 1);
  assert.ok(rowsOf(files[0]?.text ?? '').length >= 10);
  assert.deepEqual(complaints(rule, files), []);
});

test('a row without a test, a test that is gone, a file that is gone and a number without a row are found', () => {
  const here = 'test/lint/survival-table.test.ts';
  const check = (text: string): readonly string[] => rule({ path: 'x.md', text: header + text });
  assert.deepEqual(check(`${row('1')}| 1 | ${here} | the tests that prove what survives what are there |\n`), []);
  assert.equal(check(row('1')).length, 1);
  assert.equal(check(`${row('1')}| 1 | ${here} | a test that ${'never'} was |\n`).length, 1);
  assert.equal(check(`${row('1')}| 1 | test/nowhere.test.ts | x |\n`).length, 1);
  assert.equal(check(`${row('1')}| 1, 2 | ${here} | a row without a test |\n`).length, 1);
});
