import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { root } from '../setup/prepare.mjs';
import { installedProgram, nativePrograms, packagedConfiguration } from './contents.mjs';
import { filesOfModule, findProductionModules } from './production-modules.mjs';
import { Tree } from './tree.mjs';

/** @param {import('node:test').TestContext} t @param {Readonly<Record<string, string>>} files @returns {string} a directory with them */
function directoryOf(t, files) {
  const directory = mkdtempSync(join(tmpdir(), 'warden-contents-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

/** @param {string} name @param {readonly string[]} [needs] */
const manifest = (name, needs = []) => JSON.stringify({ name, version: '1.0.0', license: 'MIT', dependencies: Object.fromEntries(needs.map((other) => [other, '1.0.0'])) });

test('npm packages are found as Node finds them, each once, and those for building are not', (t) => {
  const top = directoryOf(t, {
    'packages/own/package.json': JSON.stringify({ name: 'warden-own', version: '1.0.0', dependencies: { 'warden-other': '1', a: '1', b: '1' }, devDependencies: { builder: '1' } }),
    'node_modules/a/package.json': manifest('a', ['b']),
    'node_modules/a/node_modules/b/package.json': manifest('b', ['c']),
    'node_modules/b/package.json': manifest('b'),
    'node_modules/c/package.json': manifest('c', ['a']),
    'node_modules/builder/package.json': manifest('builder'),
  });
  const found = findProductionModules(top, ['packages/own']).map(({ directory }) => directory.slice(top.length + 1));
  assert.deepEqual(found, ['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/b', 'node_modules/c']);
});

test('a package that is not installed is named, with what to do', (t) => {
  const top = directoryOf(t, { 'packages/own/package.json': manifest('warden-own', ['gone']) });
  assert.throws(() => findProductionModules(top, ['packages/own']), { message: 'packages/own needs the npm package gone, which is not installed', remedy: 'npm ci' });
});

test('of a package code and terms are taken, and what has a name of theirs deeper in it', (t) => {
  const directory = directoryOf(t, {
    'package.json': '{}', LICENSE: '', 'README.md': '', 'index.js': '', 'index.d.ts': '', 'index.js.map': '', 'index.test.js': '', 'lib/doc/x.js': '', 'lib/NOTICE.txt': '', 'doc/x.js': '', 'test/x.js': '', 'node_modules/y/y.js': '',
  });
  assert.deepEqual(filesOfModule(directory), ['LICENSE', 'index.js', 'lib/NOTICE.txt', 'lib/doc/x.js', 'package.json']);
});

test('the configuration of the package is that of the repository but for what differs', () => {
  const text = readFileSync(join(root, 'config/linux.yml'), 'utf8');
  const packaged = packagedConfiguration(text);
  assert.match(packaged, /^ {2}unix_domain_group: warden$/m);
  assert.doesNotMatch(packaged, /npm start|this checkout|docs\/configuration\.md describes/);
  const lines = text.split('\n');
  assert.ok(packaged.split('\n').filter((line) => !lines.includes(line)).length <= 5);
  assert.throws(() => packagedConfiguration('server: {}\n'), /config\/linux\.yml does not have/);
});

test('programs that the Makefile builds are in the package, but for those of the build', () => {
  const programs = nativePrograms();
  for (const name of ['launcher', 'monitor', 'wshd', 'wsh', 'files', 'archive', 'oom', 'repquota', 'iomux-spawn', 'iomux-link']) assert.ok(programs.includes(name), name);
  assert.ok(!programs.includes('seccomp-compile'));
});

test('an installed program has the interpreter of the package, with its options', () => {
  assert.equal(installedProgram('#!/usr/bin/env node\nx\n#!/usr/bin/env node\n'), '#!/usr/bin/node\nx\n#!/usr/bin/env node\n');
  assert.equal(installedProgram('#!/usr/bin/env -S node --a=1\nx'), '#!/usr/bin/node --a=1\nx');
  assert.equal(installedProgram('#!/usr/bin/env -S node --a --b\nx'), '#!/usr/bin/env -S /usr/bin/node --a --b\nx');
  assert.throws(() => installedProgram('x\n#!/usr/bin/env node\n'), /names its interpreter/);
  for (const name of ['warden', 'wardend']) assert.match(installedProgram(readFileSync(join(root, 'bin', name), 'utf8')), /^#!\/usr\/bin\/(?:node|env -S \/usr\/bin\/node)\b/);
});

test('modes and times in a tree are fixed, and its size is counted as Debian does', (t) => {
  const tree = new Tree(directoryOf(t, {}));
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  tree.write('usr/lib/x/program', 'x'.repeat(1025), 0o755);
  tree.write('usr/lib/x/data', '');
  tree.link('usr/bin/program', '../lib/x/program');
  tree.setTimes(1_000_000_000);
  const state = (/** @type {string} */ path) => statSync(join(tree.root, path));
  assert.deepEqual(['', 'usr/lib/x', 'usr/lib/x/program', 'usr/lib/x/data'].map((path) => (state(path).mode & 0o7777).toString(8)), ['755', '755', '755', '644']);
  assert.deepEqual(['', 'usr/lib/x/data'].map((path) => state(path).mtimeMs), [1e12, 1e12]);
  assert.deepEqual(tree.list(), ['/usr/bin/program', '/usr/lib/x/data', '/usr/lib/x/program']);
  assert.equal(tree.size(), 5 + 2 + 0 + 1, 'five directories, two kibibytes, nothing, a link');
  assert.throws(() => tree.write('usr/lib/x/data', ''), { code: 'EEXIST' });
});
