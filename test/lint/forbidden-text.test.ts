import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints, isGenerated, matchingLines, sourceFiles } from './source-files.js';
import type { Rule } from './source-files.js';

/** Joined here, so that this file does not contain what it forbids. */
const word = (...parts: string[]): string => parts.join('');

interface Prohibition {
  readonly what: string;
  readonly files: RegExp;
  readonly pattern: RegExp;
  readonly bad: readonly string[];
  readonly good: readonly string[];
}

const CHILD = 'child_process';
const CODE = /\.(?:ts|mjs|js)$/;
const prohibitions: readonly Prohibition[] = [
  {
    what: 'no shell between us and a program',
    files: CODE,
    pattern: new RegExp(`\\bshell:\\s*(?:${word('tr', 'ue')}|['"])|\\bimport\\b[^;]*\\bexec(?:Sync)?\\b[^;]*child_process|\\bchild_process\\.exec(?:Sync)?\\(`),
    bad: [`spawn('x', { shell: ${word('tr', 'ue')} })`, `import { ${word('ex', 'ec')}, spawn } from 'node:${CHILD}';`, `import { ${word('exec', 'Sync')} } from "${CHILD}"`],
    good: [`import { spawn, execFile } from 'node:${CHILD}';`, 'pattern.exec(text)'],
  },
  {
    what: 'no shell from C',
    files: /^native\/.*\.[ch]$/,
    pattern: /\b(?:system|popen|wordexp)\s*\(/,
    bad: ['system("rm");', 'FILE *f = popen(command, "r");'],
    good: ['file_system(x)', 'return ecosystem;'],
  },
  {
    what: 'no notes about work that is left',
    files: /./,
    pattern: new RegExp(`\\b(?:${word('TO', 'DO')}|${word('FIX', 'ME')}|${word('XX', 'X')}|${word('HA', 'CK')})\\b`),
    bad: [`// ${word('TO', 'DO')}: finish`, `/* ${word('FIX', 'ME')} */`],
    good: ['todo: data.todo', 'EXXXY'],
  },
  {
    what: 'no way around the type checker',
    files: /\.ts$/,
    pattern: new RegExp(`@ts-(?:${word('ign', 'ore')}|nocheck)|(?:(?<=[\\w)\\]?]):|(?<=[\\w)\\]}'"\`]\\s)\\bas|<)\\s*${word('an', 'y')}\\b(?=\\s*(?:[,;)>\\[=|&{]|$))`),
    bad: [`const x: ${word('an', 'y')} = 1;`, `y as ${word('an', 'y')};`, `Promise<${word('an', 'y')}>`, `// @ts-${word('ign', 'ore')}`],
    good: ['it works as any tenant may see', 'one of many: anything', `nothing else: ${word('an', 'y')} text within the limits`],
  },
  {
    what: 'no test that is switched off, and none that switches off the others',
    files: /\.test\.(?:ts|mjs)$/,
    pattern: new RegExp(`\\b(?:test|it|describe|suite)\\.(?:${word('on', 'ly')}|${word('to', 'do')}|${word('sk', 'ip')})\\(|\\b${word('on', 'ly')}:\\s*true`),
    bad: [`test.${word('on', 'ly')}('x', () => {});`, `it.${word('sk', 'ip')}('x')`],
    good: ["test('only one', () => {})"],
  },
  {
    what: 'no variables of a module in the server, but of the programs that are a process of their own',
    files: /^packages\/server\/src\/(?!(?:.*\/)?main\.ts$|.*\.test\.ts$)/,
    pattern: new RegExp(`^(?:export )?${word('le', 't')} `),
    bad: [`${word('le', 't')} followed = 1;`, `export ${word('le', 't')} count: number;`],
    good: [`  ${word('le', 't')} sum = 0;`, 'const limit = 4;'],
  },
  {
    what: 'no address of a package registry',
    files: /./,
    pattern: new RegExp(`${word('regis', 'try')}\\.(?:npmjs|yarnpkg|npmmirror)\\.|${word('py', 'pi')}\\.org|${word('files.python', 'hosted')}\\.`),
    bad: [`"resolved": "https://${word('regis', 'try')}.npmjs.${'org'}/x.tgz"`],
    good: ['the registry of message types'],
  },
];

/** Comments about the rule itself may name what it forbids. */
function rule({ pattern, what }: Prohibition): Rule {
  return ({ text }) => matchingLines(text, pattern).map((line) => `${what}: ${line}`);
}

for (const prohibition of prohibitions) {
  test(prohibition.what, () => {
    const files = sourceFiles(prohibition.files).filter(({ path }) => !isGenerated(path) || path === 'package-lock.json');
    assert.ok(files.length > 0);
    assert.deepEqual(complaints(rule(prohibition), files), []);
  });

  test(`${prohibition.what}: bad examples are found, good ones are not`, () => {
    for (const text of prohibition.bad) assert.equal(rule(prohibition)({ path: 'x', text }).length, 1, text);
    for (const text of prohibition.good) assert.equal(rule(prohibition)({ path: 'x', text }).length, 0, text);
  });
}
