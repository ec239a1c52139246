import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** nobody: root may remove everything. */
const user = process.getuid?.() === 0 ? 65_534 : undefined;

test('what a job has made read-only is removed, whatever its names are; links are not followed', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'plain-removal-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  if (user !== undefined) chownSync(directory, user, user);
  const module = new URL('./removal.js', import.meta.url).href;
  const script = `
    import { execFileSync } from 'node:child_process';
    const { removeTree } = await import(${JSON.stringify(module)});
    // Not before: the checkout may lie where others do not get to.
    ${user === undefined ? '' : `process.setgroups([]); process.setgid(${user}); process.setuid(${user});`}
    execFileSync('/bin/sh', ['-c', 'mkdir -p kept tree/read-only/"$(printf "\\\\377")"/deep && chmod 500 kept && echo x >tree/read-only/file && ln -s ../../kept tree/read-only/link && chmod -R a-w tree/read-only && chmod 0 tree/read-only/*/deep']);
    await removeTree('tree');
    await removeTree('tree');
  `;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.ok(!existsSync(join(directory, 'tree')));
  assert.equal(spawnSync('stat', ['-c', '%a', join(directory, 'kept')], { encoding: 'utf8' }).stdout, '500\n');
});
