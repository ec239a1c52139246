/* A client in Ruby, on the gem that clients of 2012 used: it knows the frozen messages alone. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { has, testWith, useAnyServer } from '../../harness/any-server.js';
import { repository } from '../../harness/paths.js';
import { mustRun } from '../../harness/run-program.js';

const server = useAnyServer();

testWith(['ruby'], 'a whole conversation: create, run, spawn, link, stream, errors, destroy', async () => {
  const said = await mustRun('/usr/bin/ruby', [join(repository, 'test/ruby/session.rb'), server.socket, has('rlimits') ? '' : 'rlimits'], { timeoutMs: 30_000 });
  const { handle, ...told } = JSON.parse(said) as Record<string, unknown>;
  assert.match(String(handle), /^[0-9a-v]{11}$/);
  assert.deepEqual(told, {
    'echo': 'h\u00e9llo', 'list': true, 'info': ['active', [], true],
    'run': [3, 'out\n', 'err\n', 'active'], 'binary': 'ff00fe', 'link': [4, 'spawned\n'], 'link twice': 'no such job',
    'stream': [{ stdout: 'one\n', stderr: 'two\n' }, 5, 'active'], 'pipelined': ['slow\n', 'behind it'],
    'net in': true, 'net out': 'Please specify network, port, and/or port_range.', 'create twice': `container with handle: ${String(handle)} already exists`,
    ...(has('rlimits') ? { rlimits: '100\n' } : {}), 'run when stopped': "Container state must be one of 'active', current state is 'stopped'", 'stopped': 'stopped', 'destroyed': 'unknown handle',
  });
});

test('the server is there afterwards', async () => {
  await (await server.connect()).ping();
});
