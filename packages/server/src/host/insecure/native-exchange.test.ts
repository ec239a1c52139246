import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { startProgram } from './native-exchange.js';

const isNotStarted = (error: unknown): boolean => error instanceof WardenError && error.code === 'unavailable' && error.message.startsWith('cannot start ');

test('that a program cannot be started is its answer', async () => {
  await assert.rejects(startProgram({ program: '/nowhere/program', args: [] }).answer, isNotStarted);
  await assert.rejects(startProgram({ program: '/bin/true', args: ['a\0b'] }).answer, isNotStarted);
});

test('also where there is no descriptor left for it', () => {
  const module = new URL('./native-exchange.js', import.meta.url).href;
  const script = `
    import { openSync } from 'node:fs';
    const { startProgram } = await import(${JSON.stringify(module)});
    try { for (;;) openSync('/dev/null', 'r'); } catch { }
    const { answer } = startProgram({ program: '/bin/true', args: [] });
    await answer.catch((error) => process.exit(error.code === 'unavailable' && error.message.startsWith('cannot start ') ? 7 : 8));
  `;
  const { status, stderr } = spawnSync('/bin/sh', ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(status, 7, stderr);
});
