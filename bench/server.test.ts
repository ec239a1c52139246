import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isWardendWith, Server } from './server.js';

test('a wardend is known by its configuration, and nobody else has it', () => {
  const words = ['node', '--max-semi-space-size=4', '/src/bin/wardend', '--config', '/bench/warden.yml', ''];
  assert.equal(isWardendWith('/bench/warden.yml', words), true);
  assert.equal(isWardendWith('/bench/warden.yml', words.map((word) => word.replace('/bench', '/bench-other'))), false);
  assert.equal(isWardendWith('/bench/warden.yml', ['less', '/bench/warden.yml']), false);
  assert.equal(isWardendWith('/bench/warden.yml', ['vi', '--config', '/bench/warden.yml']), false);
});

test('the daemon that a killed run left is ended before there is another', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-bench-server-'));
  t.after(() => { rmSync(directory, { recursive: true }); });
  const program = join(directory, 'wardend');
  writeFileSync(program, "process.on('SIGTERM', () => process.exit(7)); process.stdin.resume(); process.stdout.write('ready');");
  const start = async (configuration: string): Promise<ReturnType<typeof spawn>> => {
    const child = spawn(process.execPath, [program, '--config', configuration], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return child;
  };
  const [left, others] = [await start(join(directory, 'warden.yml')), await start('/elsewhere/warden.yml')];
  const ended = once(left, 'exit');
  await new Server(directory, '/rootfs', '/programs').endLeftover();
  assert.deepEqual(await ended, [7, null]);
  assert.equal(others.exitCode, null);
  others.stdin?.end();
  await once(others, 'exit');
});
