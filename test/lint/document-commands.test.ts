/* What the documents have readers type: commands that there are, with options that they have. e2e/documents runs some of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { requestTypeOf } from 'warden-protocol';
import { complaints, repository, sourceFiles } from './source-files.js';
import type { Rule } from './source-files.js';

// No part of what the package exports.
const built = (path: string): Promise<unknown> => import(pathToFileURL(`${repository}/packages/cli/dist/${path}`).href);
const { subcommandOf } = (await built('subcommands.js')) as typeof import('../../packages/cli/src/subcommands.js');
const { optionsOf } = (await built('subcommand/options.js')) as typeof import('../../packages/cli/src/subcommand/options.js');
const { BUILTINS, commandHelp } = (await built('help.js')) as typeof import('../../packages/cli/src/help.js');
const { localCommandOf } = (await built('local-commands.js')) as typeof import('../../packages/cli/src/local-commands.js');
const { scripts } = JSON.parse(readFileSync(`${repository}/package.json`, 'utf8')) as { scripts: Readonly<Record<string, string>> };

/** Commands of the console blocks: each of a line, without comments, substitutions and what is quoted. */
function commandsIn(text: string): string[][] {
  return [...text.matchAll(/^```console\n([^]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => /^(?:\$|warden>) (.*)$/.exec(line)?.[1] ?? [])
    .flatMap((line) => line.replace(/'[^']*'|"[^"]*"/g, 'quoted').replace(/(?:^|\s)#.*$/, '').split(/\s*(?:[;|]|&&)\s*/))
    .map((command) => command.replace(/<\s*\S+/g, '').trim().split(/\s+/).filter((word) => !/^(?:sudo|[A-Z_]+=\S*|[>]+\S*)$/.test(word)));
}

const known: Rule = ({ text }) => commandsIn(text).flatMap((words) => {
  if (words[0] === 'npm' && words[1] === 'run') return words.slice(2, 3).filter((name) => !(name in scripts)).map((name) => `npm run ${name}: there is no such script`);
  if (!/^(?:bin\/)?warden$/.test(words[0] ?? '')) return [];
  return complaintsAbout(words.slice(1));
});

/** @param words behind the name of the program */
function complaintsAbout(words: readonly string[]): string[] {
  const start = words.findIndex((word, index) => !(/^--(?:socket|trace|exit_on_error|help)?$/.test(word) || words[index - 1] === '--socket'));
  const [name, ...rest] = start < 0 ? [] : words.slice(start);
  if (name === undefined) return [];
  const subcommand = subcommandOf(name, rest);
  const type = requestTypeOf(name);
  if (subcommand === undefined && type === undefined && !BUILTINS.has(name) && localCommandOf([name, ...rest]) === undefined) return [`warden ${name}: there is no such command`];
  const end = rest.indexOf('--');
  const options = (end < 0 ? rest : rest.slice(0, end)).filter((_, index, all) => all[index - 1] !== '--args').flatMap((word) => /^--([\w.-]+)/.exec(word)?.[1] ?? []);
  if (subcommand !== undefined) {
    // Behind the first operand stands the program's own.
    const wanted = subcommand.ownWords === true ? options.slice(0, 3) : options;
    return wanted.filter((option) => !(option in optionsOf(subcommand))).map((option) => `warden ${name} has no option --${option}`);
  }
  if (type === undefined || BUILTINS.has(name) || !rest.includes('--handle')) return [];
  const help = commandHelp(type);
  return options.filter((option) => !help.includes(`--${option}`)).map((option) => `request ${name} has no field ${option}`);
}

test('commands of the documents are there, with the options that they are given', () => {
  const documents = sourceFiles(/\.md$/);
  assert.ok(documents.flatMap(({ text }) => commandsIn(text)).length > 100);
  assert.deepEqual(complaints(known, documents), []);
});

test('a command that is not there is found, an option and a field too', () => {
  const of = (line: string): number => known({ path: 'x.md', text: `\`\`\`console\n$ ${line}\n\`\`\`\n` }).length;
  for (const bad of ['warden runn x', 'sudo bin/warden --socket /x -- lst', 'ls | warden run --memroy 1 -- x', 'warden info --handle x --verbose', 'npm run documents']) assert.equal(of(bad), 1, bad);
  for (const good of ['warden', 'warden --help', 'warden run --rm -- ls --color', "warden run --handle x --script 'ls | warden y'", 'WARDEN_SOCKET=/x warden list # warden y', 'warden config show --origin', 'npm run docs']) assert.equal(of(good), 0, good);
});
