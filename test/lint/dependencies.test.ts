import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository, sourceFiles } from './source-files.js';

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Packages of others that a manifest asks for. */
function dependenciesOf(manifest: Manifest): [name: string, version: string][] {
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(([name]) => !name.startsWith('warden-'));
}

function unlisted(names: readonly string[], document: string): string[] {
  return names.filter((name) => !document.includes(`\`${name}\``));
}

function withAddress(lock: string): string[] {
  return [...lock.matchAll(/"resolved":\s*"([a-z+]+:\/\/[^"]*)"/g)].map((match) => match[1] ?? '');
}

const manifests = sourceFiles(/(?:^|\/)package\.json$/).map(({ path, text }) => ({ path, manifest: JSON.parse(text) as Manifest }));

test('every dependency has its line in docs/dependencies.md', () => {
  assert.ok(manifests.length >= 5);
  const names = manifests.flatMap(({ manifest }) => dependenciesOf(manifest).map(([name]) => name));
  assert.deepEqual(unlisted(names, readFileSync(join(repository, 'docs/dependencies.md'), 'utf8')), []);
  assert.deepEqual(unlisted(['left-pad'], 'only `zod`'), ['left-pad']);
});

test('dependencies have exact versions', () => {
  const exact = ([, version]: [string, string]): boolean => /^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version);
  assert.deepEqual(manifests.flatMap(({ path, manifest }) => dependenciesOf(manifest).filter((entry) => !exact(entry)).map(([name]) => `${path}: ${name}`)), []);
  assert.equal(exact(['x', '^1.0.0']), false);
});

test('package-lock.json names no host, so that everybody installs from where they usually do', () => {
  assert.deepEqual(withAddress(readFileSync(join(repository, 'package-lock.json'), 'utf8')), []);
  assert.equal(withAddress('"resolved": "https://example.org/zod.tgz"').length, 1);
  assert.equal(withAddress('"resolved": "packages/server"').length, 0);
});
