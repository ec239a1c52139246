import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { runConfigCommand } from './config-command.js';

async function run(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const collected = [text(stdout), text(stderr)] as const;
  const status = await runConfigCommand(argv, { stdin: new PassThrough(), stdout, stderr });
  stdout.end();
  stderr.end();
  return { status, stdout: await collected[0], stderr: await collected[1] };
}

test('wardend says what it makes of a file', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'w.yml');
  writeFileSync(file, 'network: {mtu: 1400}\n');
  const shown = await run('show', '--origin', '--config', file);
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, new RegExp(`^network\\.mtu: 1400 +# ${file}$`, 'm'));
  assert.deepEqual(JSON.parse((await run('show', '--json', '--config', file)).stdout).find(({ key }: { key: string }) => key === 'network.mtu'), { key: 'network.mtu', value: 1400, origin: file });
  assert.equal((await run('show', '--config', file, '-o', 'json')).stdout, (await run('show', '--json', '--config', file)).stdout);
  assert.deepEqual(await run('check', '--config', file), { status: 0, stdout: 'the configuration is right\n', stderr: '' });
  assert.deepEqual(JSON.parse((await run('check', '--config', file, '-o', 'json')).stdout), { valid: true, messages: ['the configuration is right'] });
  writeFileSync(file, 'network: {mtuu: 1400}\n');
  const refused = await run('check', '--config', file, '-o', 'json');
  assert.deepEqual([refused.status, JSON.parse(refused.stdout), refused.stderr], [1, { valid: false, messages: [`wardend: ${file}: unknown key network.mtuu`] }, '']);
  assert.deepEqual(await run('check', '--config', file), { status: 1, stdout: '', stderr: `wardend: ${file}: unknown key network.mtuu\n` });
});

test('a command line that makes no sense is refused', async () => {
  assert.equal((await run()).status, 2);
  assert.equal((await run('edit')).status, 2);
  assert.equal((await run('--help')).status, 0);
});
