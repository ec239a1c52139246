import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LinuxHookPrograms } from './hook-programs.js';

// Below a directory that only root can change.
const directory = mkdtempSync('/var/tmp/warden-hooks-');
after(() => rmSync(directory, { recursive: true }));
const [hooks, open] = [join(directory, 'hooks'), join(directory, 'open')];
for (const path of [hooks, open]) mkdirSync(path, { mode: 0o755 });
const isRoot = process.geteuid?.() === 0;
const add = (path: string, mode: number): void => {
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, mode);
};
add(join(hooks, 'good'), 0o755);
add(join(hooks, 'data'), 0o644);
add(join(hooks, 'group'), 0o775);
add(join(hooks, 'others'), 0o757);
mkdirSync(join(hooks, 'directory'));
symlinkSync('good', join(hooks, 'link'));
add(join(open, 'inside'), 0o755);
chmodSync(open, 0o777);
symlinkSync('../open/inside', join(hooks, 'led'));

test('without a directory none can be named', () => {
  assert.throws(() => new LinuxHookPrograms(undefined).find('good'), { code: 'permission', message: /takes none from clients/ });
});

test('only programs that nobody but root can change', { skip: isRoot ? false : 'files of root are needed' }, () => {
  const programs = new LinuxHookPrograms(hooks);
  for (const name of ['good', 'link']) assert.equal(programs.find(name), join(hooks, name));
  assert.throws(() => programs.find('absent'), { code: 'not_found', message: /hook absent not found/ });
  for (const name of ['data', 'group', 'others', 'directory', 'led']) assert.throws(() => programs.find(name), { code: 'permission' }, name);
  chownSync(join(hooks, 'good'), 12_345, 0);
  assert.throws(() => programs.find('good'), { code: 'permission', message: /others than root can change/ });
});
