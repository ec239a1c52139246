import assert from 'node:assert/strict';
import { dirname, normalize } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { requestTypes, Type } from 'warden-protocol';
import { complaints, repository, sourceFiles } from './source-files.js';
import type { Rule, SourceFile } from './source-files.js';

// The server's loader is no part of what the package exports.
const built = (path: string): Promise<unknown> => import(pathToFileURL(`${repository}/packages/server/dist/config/${path}`).href);
const { configurationSchema } = (await built('schema.js')) as typeof import('../../packages/server/src/config/schema.js');
const { layerOf } = (await built('sources.js')) as typeof import('../../packages/server/src/config/sources.js');

const files = sourceFiles();
// The man pages are read by man.
const documents = files.filter(({ path }) => path.endsWith('.md') && !path.startsWith('packaging/man/'));
const textOf = (path: string): string => files.find((file) => file.path === path)?.text ?? assert.fail(`${path} is missing`);

function withoutBlocks(text: string): string {
  return text.replace(/^(`{3,}|~{3,})[^]*?^\1/gm, '');
}

/** Documents that no chain of links from README.md leads to. */
function unreachable(all: readonly SourceFile[]): string[] {
  const found = new Set(['README.md']);
  for (const path of found) {
    const text = all.find((file) => file.path === path)?.text ?? '';
    for (const [, link = ''] of withoutBlocks(text).matchAll(/\]\(([^)#\s]+)/g)) {
      const target = normalize(`${dirname(path)}/${link}`);
      if (all.some((file) => file.path === target)) found.add(target);
    }
  }
  return all.map(({ path }) => path).filter((path) => !found.has(path));
}

test('a reader gets from README.md to every document', () => {
  assert.ok(documents.length > 40);
  assert.deepEqual(unreachable(documents), []);
  const [a, b, c] = ['README.md', 'docs/b.md', 'docs/c.md'].map((path) => ({ path, text: path === 'docs/b.md' ? '' : '[b](docs/b.md)' }));
  assert.deepEqual(unreachable([a, b, c].filter((file) => file !== undefined)), ['docs/c.md']);
});

/** A file of the repository, as the text around it shortens it. */
const namedFiles: Rule = ({ text }) => [...withoutBlocks(text).matchAll(/`([\w.@-]+(?:\/[\w.@-]+)+\.(?:ts|mjs|js|c|h|md|py|proto))`/g)]
  .map(([, name = '']) => name)
  .filter((name) => !files.some(({ path }) => path === name || path.endsWith(`/${name}`)))
  .map((name) => `names ${name}, which is not there`);

test('files that documents name are there', () => {
  assert.deepEqual(complaints(namedFiles, documents), []);
  assert.equal(namedFiles({ path: 'x.md', text: 'see `server/no-such-file.ts`' }).length, 1);
  assert.deepEqual(namedFiles({ path: 'x.md', text: 'see `server/listener.ts` and `wire.h`' }), []);
});

test('docs/protocol.md has the number of every type of message', () => {
  const cells = textOf('docs/protocol.md').split('\n').filter((line) => line.startsWith('| ')).flatMap((line) => line.split('|').map((cell) => cell.trim()));
  const numbers = new Map<string, string>();
  for (const [index, cell] of cells.entries()) {
    if (!/^\d+(?:, \d+)*$/.test(cell)) continue;
    const names = (cells[index + 1] ?? '').split(', ');
    for (const [at, number] of cell.split(', ').entries()) numbers.set(names[at] ?? '', number);
  }
  assert.deepEqual(requestTypes.filter((type) => numbers.get(Type[type] ?? '') !== String(type)).map((type) => `${Type[type]} ${type}`), []);
});

/** Keys whose default is not what the table says, or is none. */
function wrongDefaults(text: string): string[] {
  const defaults = configurationSchema.parse({}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return [...text.matchAll(/^\| `(\w+)\.(\w+)` \| (?:`(.*?)`|(none)) \|/gm)].filter(([, section = '', key = '', shown]) => {
    const value = defaults[section]?.[key];
    if (shown === undefined) return value !== undefined;
    const given = configurationSchema.parse(layerOf(`${section}: {${key}: ${shown}}`, 'docs/configuration.md').settings) as typeof defaults;
    return value === undefined || !isDeepStrictEqual(given[section]?.[key], value);
  }).map(([, section, key]) => `${section}.${key}`);
}

test('docs/configuration.md has the default of every key', () => {
  const text = textOf('docs/configuration.md');
  const rows = text.match(/^\| `\w+\.\w+` \|/gm) ?? [];
  assert.ok(rows.length > 60);
  assert.equal(text.match(/^\| `\w+\.\w+` \| (?:`.*?`|none) \|/gm)?.length, rows.length);
  assert.deepEqual(wrongDefaults(text), []);
  assert.deepEqual(wrongDefaults('| `network.mtu` | `1400` | x |\n| `network.mtu` | none | x |\n| `port.pool_size` | `5` | x |\n'), ['network.mtu', 'network.mtu', 'port.pool_size']);
});

test('docs/install.md names the Debian packages that npm start installs', async () => {
  const { RUN_PACKAGES } = (await import(pathToFileURL(`${repository}/scripts/setup/debian-packages.mjs`).href)) as { RUN_PACKAGES: readonly string[] };
  const [, named = ''] = /^\| Debian packages \| `([^`]+)`/m.exec(textOf('docs/install.md')) ?? [];
  assert.deepEqual(named.split(' ').sort(), [...RUN_PACKAGES].sort());
});
