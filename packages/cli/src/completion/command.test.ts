import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, describe, it } from 'node:test';
import { Type } from 'warden-protocol';
import { FakeServer } from 'warden-client/testing';
import { Program } from '../test-program.js';
import { SHELL_SCRIPTS } from './scripts.js';

let server: FakeServer | undefined;

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function warden(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Program(server?.path ?? '/nowhere/socket', ['completion', ...words]).end();
}

describe('completion', () => {
  it('prints a script for each shell, without a server', async () => {
    for (const [shell, script] of SHELL_SCRIPTS) assert.deepEqual(await warden(shell), { status: 0, stdout: script, stderr: '' });
    assert.equal((await warden('csh')).status, 1);
    assert.equal((await warden()).status, 1);
    assert.doesNotThrow(() => execFileSync('bash', ['-n'], { input: SHELL_SCRIPTS.get('bash') }));
  });

  it('says what could stand there, and what else', async () => {
    server = await FakeServer.listen({ [Type.List]: () => ({ handles: ['demo', 'two words', 'de\u202etuo', 'de\u009b1m'] }) });
    assert.equal((await warden('words', 'top', '')).stdout, 'words\ndemo\ntwo words\n');
    assert.equal((await warden('words', 'cp', 'de')).stdout, 'words files open\ndemo:\n');
    assert.equal((await warden('words', '--', 'top', 'de')).stdout, 'words\ndemo\n');
    assert.equal((await warden('line', 'warden top d')).stdout, 'words\ndemo\n');
    assert.equal((await warden('line', 'warden --trace top "two')).stdout, 'words\ntwo words\n');
    assert.match((await warden('words', '--so')).stdout, /^words\n--socket\t[^\n]+\n$/);
    assert.equal((await warden('words', '--socket', '')).stdout, 'words files\n');
    assert.match((await warden('words', 'pin')).stdout, /^words\nping\tsee whether the server answers\n$/);
  });

  it('asks the server that the line names, and is silent when there is none', async () => {
    server = await FakeServer.listen({ [Type.List]: () => ({ handles: ['demo'] }) });
    const { path } = server;
    assert.equal((await new Program('/nowhere/socket', ['completion', 'words', '--socket', path, 'top', '']).end()).stdout, 'words\ndemo\n');
    assert.deepEqual(await new Program('/nowhere/socket', ['completion', 'words', 'top', '']).end(), { status: 0, stdout: 'words\n', stderr: '' });
  });
});
