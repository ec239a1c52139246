import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repository } from './source-files.js';

const module = (path: string): Promise<unknown> => import(pathToFileURL(join(repository, path)).href);
const { manualPages } = (await module('scripts/package/manual.mjs')) as { manualPages: (options: { version: string; date: string }) => Promise<readonly { file: string; text: string }[]> };
const { readCommandLine } = (await module('scripts/package/command-manual.mjs')) as {
  readCommandLine: () => Promise<{
    builtins: ReadonlyMap<string, string>; localCommands: ReadonlyMap<string, unknown>;
    subcommands: ReadonlyMap<string, { options: Readonly<Record<string, { short?: string }>> }>;
    requests: readonly { name: string; flags: readonly { name: string }[] }[];
  }>;
};
const { programHelp } = (await module('packages/cli/dist/help.js')) as typeof import('../../packages/cli/src/help.js');
const { usage } = (await module('packages/server/dist/command-line.js')) as typeof import('../../packages/server/src/command-line.js');
const { configurationSchema } = (await module('packages/server/dist/config/schema.js')) as typeof import('../../packages/server/src/config/schema.js');

const pages = new Map((await manualPages({ version: '1.2.3', date: '2026-01-02' })).map(({ file, text }) => [file, text]));
const commandLine = await readCommandLine();

function sourceOf(file: string): string {
  const text = pages.get(file);
  assert.ok(text !== undefined, file);
  return text;
}

/** A page as it is shown, without bold and underlined letters. */
function shown(file: string): string {
  const { stdout, status } = spawnSync('mandoc', ['-Tutf8', '-O', 'width=200'], { input: sourceOf(file), encoding: 'utf8' });
  assert.equal(status, 0, 'mandoc (package mandoc) is needed');
  return stdout.replace(/.\x08/gu, '');
}

/** What stands between a heading and the next of the same kind. */
function part(text: string, heading: string, indent: string): string {
  const start = text.indexOf(`\n${indent}${heading}\n`);
  assert.notEqual(start, -1, `${heading} has no part of its own`);
  const body = text.slice(start + 1 + indent.length + heading.length);
  const end = body.search(new RegExp(`\n {0,${indent.length}}\\S`));
  return end === -1 ? body : body.slice(0, end);
}

/** Terms of lists that a text does not have. */
function missing(text: string, wanted: readonly string[]): string[] {
  return wanted.filter((word) => !new RegExp(`(?:^|[\\s,(])${word.replace(/[[\]().*+?$^|\\]/g, '\\$&')}(?=[\\s,.=)]|$)`, 'm').test(text));
}

function optionsIn(help: string): string[] {
  return [...new Set([...help.matchAll(/(?<![\w-])--[a-z][a-z_-]*/g)].map(([option]) => option))];
}

for (const file of ['warden.1', 'wardend.8', 'warden.yml.5']) {
  test(`${file}: mandoc finds nothing wrong with it`, () => {
    const { status, stdout, stderr } = spawnSync('mandoc', ['-Tlint', '-W', 'warning'], { input: sourceOf(file), encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
    assert.doesNotMatch(sourceOf(file), /<!--|\bundefined\b/);
  });
}

test('warden(1) has every option of the program', () => {
  const help = programHelp(commandLine.localCommands as Parameters<typeof programHelp>[0]);
  const options = optionsIn(help.slice(help.indexOf('options:'), help.indexOf('commands:')));
  assert.ok(options.length >= 4, help);
  assert.deepEqual(missing(part(shown('warden.1'), 'OPTIONS', ''), options), []);
});

test('warden(1) has every command with every option', () => {
  const text = shown('warden.1');
  const commands = part(text, 'COMMANDS', '');
  assert.ok(commandLine.subcommands.size >= 5);
  for (const [name, { options }] of commandLine.subcommands) {
    const names = Object.entries(options).flatMap(([long, { short }]) => [`--${long}`, ...(short === undefined ? [] : [`-${short}`])]);
    assert.deepEqual(missing(part(commands, name, '   '), names), [], name);
  }
  const more = part(text, 'MORE COMMANDS', '');
  const older = [...commandLine.builtins.keys(), ...commandLine.localCommands.keys()].filter((name) => !commandLine.subcommands.has(name) && !['help', 'exit', 'quit'].includes(name));
  assert.ok(older.length >= 5);
  for (const name of older) assert.match(part(more, name, '   '), new RegExp(`usage: (warden )?${name} `), name);
});

test('warden(1) has every request with every field', () => {
  const requests = part(shown('warden.1'), 'REQUESTS', '');
  assert.ok(commandLine.requests.length >= 19);
  for (const { name, flags } of commandLine.requests) assert.deepEqual(missing(part(requests, name, '   '), flags.map((flag) => `--${flag.name}`)), [], name);
});

test('wardend(8) has every option', () => {
  const options = optionsIn(usage);
  assert.ok(options.length >= 7);
  assert.deepEqual(missing(part(shown('wardend.8'), 'OPTIONS', ''), options), []);
});

test('warden.yml(5) has every key, in its section', () => {
  const text = shown('warden.yml.5');
  for (const [section, schema] of Object.entries(configurationSchema.def.out.shape)) {
    const keys = Object.keys(schema.def.out.shape);
    assert.ok(keys.length > 0);
    assert.deepEqual(missing(part(text, section, '   '), keys.map((key) => `${section}.${key}`)), []);
  }
});

test('what is missing is found', () => {
  const text = 'NAME\n       x\n\nOPTIONS\n       --json\n              x\n\n   part\n       -o, --output FORMAT\n\n   other\n       --all\nEND\n';
  assert.deepEqual(missing(part(text, 'OPTIONS', ''), ['--json', '--jso', '--output', '-o', '-a', '--all']), ['--jso', '-a']);
  assert.deepEqual(missing(part(text, 'part', '   '), ['--output', '--all']), ['--all']);
  assert.throws(() => part(text, 'nowhere', ''));
});

test('sources of man pages name what they are', () => {
  for (const [file, name] of [['warden.1', 'warden'], ['wardend.8', 'wardend'], ['warden.yml.5', 'warden.yml']] as const) {
    assert.match(readFileSync(join(repository, 'packaging/man', `${file}.md`), 'utf8'), new RegExp(`^## NAME\n\n${name.replace('.', '\\.')} - \\w`));
  }
});
