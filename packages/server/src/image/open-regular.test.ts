import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openRegular } from './open-regular.js';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warden-open-')));
after(() => rmSync(directory, { recursive: true }));

test('a file is opened where it was found, and not where a link leads that came since', () => {
  mkdirSync(join(directory, 'shared'));
  mkdirSync(join(directory, 'secret'));
  writeFileSync(join(directory, 'shared/file'), 'own');
  writeFileSync(join(directory, 'secret/file'), 'secret');
  const path = join(directory, 'shared/file');
  const descriptor = openRegular(path);
  assert.equal(readFileSync(descriptor, 'utf8'), 'own');
  closeSync(descriptor);
  renameSync(join(directory, 'shared'), join(directory, 'away'));
  symlinkSync('secret', join(directory, 'shared'));
  assert.throws(() => openRegular(path), { code: 'invalid_argument', message: /was exchanged/ });
});

test('links, directories and devices are no files', () => {
  symlinkSync('secret/file', join(directory, 'link'));
  assert.throws(() => openRegular(join(directory, 'link')), { code: 'ELOOP' });
  assert.throws(() => openRegular(directory), { code: 'invalid_argument', message: /no regular file/ });
  assert.throws(() => openRegular('/dev/null'), { code: 'invalid_argument' });
});
