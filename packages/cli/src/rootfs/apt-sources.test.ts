import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseSources, formatSources, parseSourceLine, parseSourceStanzas, readAptSources, withoutCredentials } from './apt-sources.js';

test('a line with and without options is read, other lines are not', () => {
  assert.deepEqual(parseSourceLine('deb http://mirror.test/debian bookworm main contrib # ours'), {
    uri: 'http://mirror.test/debian', suite: 'bookworm', components: ['main', 'contrib'], options: {},
  });
  assert.deepEqual(parseSourceLine('deb [arch=amd64 signed-by=/k.gpg trusted=yes] file:///srv/m noble main'), {
    uri: 'file:///srv/m', suite: 'noble', components: ['main'], options: { Trusted: 'yes' }, signedBy: '/k.gpg',
  });
  for (const line of ['# deb http://x.test y main', 'deb-src http://x.test y main', '', 'deb']) assert.equal(parseSourceLine(line), undefined, line);
});

test('stanzas give one source for each address and suite; a key may stand in the file itself', () => {
  const text = [
    'Types: deb deb-src', '# a comment', 'URIs: http://a.test/debian', 'Suites: trixie trixie-updates', 'Components: main', 'Signed-By:', ' -----BEGIN PGP-----', ' .', ' abc', '',
    'Types: deb', 'Enabled: no', 'URIs: http://off.test', 'Suites: trixie', 'Components: main', '',
    'Types: deb-src', 'URIs: http://source.test', 'Suites: trixie', 'Components: main',
  ].join('\n');
  const sources = parseSourceStanzas(text);
  assert.deepEqual(sources.map(({ uri, suite }) => `${uri} ${suite}`), ['http://a.test/debian trixie', 'http://a.test/debian trixie-updates']);
  assert.equal(sources[0]?.signedBy, '\n -----BEGIN PGP-----\n .\n abc');
  assert.deepEqual(parseSourceStanzas(formatSources(sources)), sources);
});

test('the distribution\'s own repository is chosen, with its updates, and nobody else\'s', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-apt-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'sources.list.d'));
  writeFileSync(join(directory, 'sources.list.d/another.list'), 'deb [signed-by=/another.gpg] http://another.test bookworm main\n');
  writeFileSync(join(directory, 'sources.list.d/debian.sources'),
    'Types: deb\nURIs: http://own.test\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /own.gpg\n\nTypes: deb\nURIs: http://own.test/security\nSuites: bookworm-security\nComponents: main\nSigned-By: /own.gpg\n');
  const all = readAptSources(directory);
  assert.equal(all.length, 4);
  assert.deepEqual(chooseSources(all, 'bookworm', 'bookworm').map(({ uri, suite }) => `${uri} ${suite}`), [
    'http://own.test bookworm', 'http://own.test bookworm-updates', 'http://own.test/security bookworm-security',
  ]);
  assert.deepEqual(chooseSources(all, 'trixie', 'bookworm').map(({ uri, suite, signedBy }) => `${uri} ${suite} ${signedBy}`), ['http://own.test trixie /own.gpg']);
  assert.deepEqual(chooseSources(all, 'noble', 'jammy'), []);
});

test('a machine without apt has no sources', () => {
  assert.deepEqual(readAptSources('/nonexistent'), []);
});

test('a name and password in an address are left out', () => {
  assert.equal(withoutCredentials('URIs: https://me:secret@mirror.test/debian\ndeb http://plain.test x'), 'URIs: https://mirror.test/debian\ndeb http://plain.test x');
});
