/* The command line as it has been since 2012, against any server: one command, commands in a pipe, their output and exit statuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, useAnyServer } from '../../harness/any-server.js';
import { wardenProgram } from '../../harness/paths.js';
import { runProgram } from '../../harness/run-program.js';
import type { Finished } from '../../harness/run-program.js';

const server = useAnyServer();

/** @param environment in place of --socket */
async function warden(words: readonly string[], input = '', environment?: NodeJS.ProcessEnv): Promise<Finished> {
  const socket = environment === undefined ? ['--socket', server.socket] : [];
  return runProgram(wardenProgram, [...socket, ...words], { input, env: { ...process.env, ...environment } });
}

test('ping prints pong: as the one command, in a pipe, and by WARDEN_SOCKET', async () => {
  for (const done of [await warden(['--', 'ping']), await warden([], 'ping\n'), await warden(['--', 'ping'], '', { WARDEN_SOCKET: server.socket }), await warden([], 'ping\n', { WARDEN_SOCKET: server.socket })]) {
    assert.deepEqual([done.status, done.stdout, done.stderr], [0, 'pong\n', '']);
  }
});

test('create prints the handle; run passes on output and status; info is flattened; destroy ends it', async () => {
  const handle = server.name('by-hand');
  const { client } = await server.container();
  const created = await warden(['--', 'create', '--handle', handle, '--grace_time', '300']);
  assert.deepEqual([created.status, created.stdout], [0, `handle : ${handle}\n`]);
  try {
    const run = await warden(['--', 'run', '--handle', handle, '--script', 'echo out; echo err >&2; exit 3']);
    assert.deepEqual([run.status, run.stdout, run.stderr], [3, 'out\n', 'err\n']);
    const info = await warden(['--', 'info', '--handle', handle]);
    assert.equal(info.status, 0);
    assert.match(info.stdout, /^state : active$/m);
    assert.match((await warden(['--', 'list'])).stdout, new RegExp(`^handles\\[\\d+\\] : ${handle}$`, 'm'));
  } finally {
    assert.equal((await warden(['--', 'destroy', '--handle', handle])).status, 0);
  }
  await refused(client.info(handle), 'not_found', /^unknown handle$/);
});

test('piped commands run one by one; --trace echoes each; an error is a sentence on standard error, and the status', async () => {
  const traced = await warden(['--trace'], 'ping\necho --message "a b"\n');
  assert.deepEqual([traced.status, traced.stdout], [0, '+ ping\npong\n+ echo --message "a b"\nmessage : a b\n']);
  const nobody = server.name('nobody');
  const failed = await warden(['--exit_on_error'], `info --handle ${nobody}\nping\n`);
  assert.notEqual(failed.status, 0);
  assert.equal(failed.stdout, '');
  assert.match(failed.stderr, /unknown handle/);
  const goesOn = await warden([], `info --handle ${nobody}\nping\n`);
  assert.equal(goesOn.stdout, 'pong\n');
  assert.equal((await warden(['--', 'info', '--handle', nobody])).status, 1);
});
