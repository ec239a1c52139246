import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LinuxBindSources } from './bind-sources.js';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warden-bind-')));
after(() => rmSync(directory, { recursive: true }));
for (const name of ['depot/containers', 'shared/inside', 'elsewhere']) mkdirSync(join(directory, name), { recursive: true });
writeFileSync(join(directory, 'elsewhere/file'), '');
const links: Record<string, string> = { 'to-depot': 'depot/containers', 'to-elsewhere': 'elsewhere', 'shared/out': '../elsewhere', 'shared/inner': 'inside', 'to-shared': 'shared', 'to-out': 'shared/out', dangling: 'nowhere', loop: 'loop' };
for (const [name, target] of Object.entries(links)) symlinkSync(target, join(directory, name));
const sources = new LinuxBindSources(join(directory, 'depot'));
const open = (name: string, ...writable: string[]) => sources.open(join(directory, name), writable.map((path) => join(directory, path)));

test('links are resolved, and files told from directories', () => {
  assert.deepEqual(open('to-elsewhere'), { path: join(directory, 'elsewhere'), isFile: false });
  assert.deepEqual(open('to-elsewhere/../elsewhere/file'), { path: join(directory, 'elsewhere/file'), isFile: true });
});

test('what is not there is named as the client named it', () => {
  for (const name of ['nowhere', 'dangling', 'loop', 'elsewhere/file/below']) {
    assert.throws(() => open(name), { code: 'not_found', message: `Source path for bind mount does not exist: ${join(directory, name)}` });
  }
});

test('the host\'s root, the depot and what it lies in are refused, by any name', () => {
  for (const name of ['depot', 'depot/containers', 'to-depot', '.', '../..', '/'.padStart(3, '.')]) assert.throws(() => open(name), { code: 'invalid_argument' }, name);
  assert.throws(() => sources.open('/', []), { code: 'invalid_argument', message: /the host's own root/ });
  assert.throws(() => sources.open('/dev/null', []), { code: 'invalid_argument', message: /it is a device/ });
});

test('a path that enters what a container can write to has to stay there', () => {
  assert.equal(open('shared/out').path, join(directory, 'elsewhere'), 'as long as none can');
  for (const name of ['shared/out', 'to-shared/out', 'shared/out/file', 'shared/inner/../out', 'to-out', 'to-out/file']) {
    assert.throws(() => open(name, 'shared'), { code: 'invalid_argument', message: /leads out of .*\/shared, which a container can write to/ }, name);
  }
  assert.equal(open('shared/inner', 'shared').path, join(directory, 'shared/inside'));
  assert.equal(open('shared', 'shared').path, join(directory, 'shared'));
  assert.equal(open('elsewhere', 'shared').path, join(directory, 'elsewhere'));
});
