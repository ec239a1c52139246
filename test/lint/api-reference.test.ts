import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repository } from './source-files.js';

interface Declaration { readonly name: string; readonly kind: string; readonly text: string; readonly code: string; readonly members: readonly { readonly signature: string; readonly text: string }[]; readonly source: string }

/** Written for people who have built nothing yet, in JavaScript. */
interface Reference {
  readReference(root: string): Promise<Declaration[]>;
  renderReference(root: string): Promise<Map<string, string>>;
  undocumented(declarations: readonly Declaration[]): string[];
}
const reference = (await import(pathToFileURL(join(repository, 'scripts/docs/reference.mjs')).href)) as Reference;
const directory = join(repository, 'docs/api');

let declarations: Declaration[];
before(async () => {
  declarations = await reference.readReference(repository);
});
const found = (name: string): Declaration => declarations.find((declaration) => declaration.name === name) ?? assert.fail(`nothing is called ${name}`);

test('docs/api is what `npm run docs` makes of the docstrings', async () => {
  const pages = await reference.renderReference(repository);
  const stale = [...pages].filter(([name, text]) => !readdirSync(directory).includes(name) || readFileSync(join(directory, name), 'utf8') !== text).map(([name]) => name);
  assert.deepEqual(stale, [], 'the reference is older than the docstrings: run `npm run docs`');
  assert.deepEqual(readdirSync(directory).sort(), [...pages.keys()].sort());
});

test('every class, function and method of the client has a docstring', () => {
  assert.deepEqual(reference.undocumented(declarations), []);
  const box = found('Box');
  assert.deepEqual(reference.undocumented([{ ...box, text: '', members: [{ signature: 'run(command: Command): void', text: '' }, { signature: 'readonly handle: string', text: '' }] }]), ['Box', 'Box.run(command: Command): void']);
});

test('a class shows what is public, in one line each, and parameters that are taken apart by a name', () => {
  const { kind, source, members } = found('Box');
  assert.deepEqual([kind, source], ['class', 'packages/client/src/api/box.ts']);
  const signatures = members.map(({ signature }) => signature);
  assert.ok(signatures.includes('run(command: Command, options?: RunOptions): Promise<RunResult>'));
  assert.ok(signatures.includes('spawn(command: Command, options?: SpawnOptions, callOptions?: CallOptions): Promise<Job>'));
  assert.deepEqual(signatures.filter((signature) => /#|private|constructor/.test(signature)), []);
  assert.match(found('WardenClient').members.find(({ signature }) => signature.startsWith('writeInput'))?.text ?? '', /^Writes to the standard input of a job/);
});

test('types that another package declares are there by the names that they are exported under, values only where they are values', () => {
  assert.equal(found('BindMountMode').code, 'enum BindMountMode {\n  RO = 0,\n  RW = 1\n}');
  assert.match(found('InfoResponse').code, /^interface InfoResponse \{\n/);
  assert.equal(found('errorCodes').kind, 'const');
  assert.deepEqual(declarations.filter(({ name }) => name === 'encodeRequest'), []);
});
