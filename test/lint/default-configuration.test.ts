import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repository } from './source-files.js';

// The server's loader is no part of what the package exports.
const built = (path: string): Promise<unknown> => import(pathToFileURL(join(repository, 'packages/server/dist', path)).href);
const { loadConfiguration, parseConfiguration } = (await built('config/load.js')) as typeof import('../../packages/server/src/config/load.js');
const { configurationSchema } = (await built('config/schema.js')) as typeof import('../../packages/server/src/config/schema.js');

const path = join(repository, 'config/linux.yml');
const text = readFileSync(path, 'utf8');

test('config/linux.yml is accepted', () => {
  const configuration = loadConfiguration(path);
  assert.equal(configuration.socketPath, '/run/warden/warden.sock');
  assert.equal(configuration.socketPermissions, 0o660);
  assert.equal(configuration.depotPath, '/var/lib/warden');
  assert.ok(!configuration.rootfsPath.startsWith(`${configuration.depotPath}/`));
});

test('config/linux.yml shows every key of the schema', () => {
  const defaults = configurationSchema.parse({});
  const keys = Object.values(defaults).flatMap((section) => Object.keys(section));
  assert.ok(keys.length > 20);
  assert.deepEqual(keys.filter((key) => !new RegExp(`^[ #]*${key}:`, 'm').test(text)), []);
});

test('what it shows behind "#   " is accepted too', () => {
  const shown = text.replace(/^( *)# {3}(?=\S| {2}\S)/gm, '$1').replace(/^( *)allow_networks: \[\]\n/m, '');
  assert.notEqual(shown, text);
  assert.doesNotThrow(() => parseConfiguration(shown.replace(/^ *pool_start_address:.*\n *pool_size: 256\n/m, ''), 'the shown configuration'));
});
