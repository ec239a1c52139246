/* The compatibility suite against a server that it has not started, and one that is none. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { MockServer } from 'warden-client/testing';
import { countsOf, runCompatibility } from '../harness/compatibility-run.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

test('a server that runs already passes; its other containers are left alone, and nothing is left of the suite\'s', async () => {
  const { client, handle } = await server.container({ handle: 'bystander' });
  output(await client.run(handle, 'echo kept > file'));
  const done = await runCompatibility(server.paths.socket, ['--without', 'network', 'requests', 'create', 'info', 'ruby']);
  const { passed, failed, skipped } = countsOf(done);
  assert.deepEqual([done.status, failed, skipped], [0, 0, 0], done.stdout);
  assert.ok(passed > 25, done.stdout);
  assert.match(done.stdout, /left out: addresses of its own, and rules that hold \(network\)/);
  assert.deepEqual(await client.list(), ['bystander']);
  assert.equal(output(await client.run(handle, 'cat file')), 'kept\n');
});

test('a server that answers wrongly fails, and so does a socket at which nobody speaks the protocol', async () => {
  // One that answers jobs with nothing but a status.
  const mock = await MockServer.listen();
  try {
    const wrong = await runCompatibility(mock.path, ['links']);
    assert.equal(wrong.status, 1);
    assert.ok(countsOf(wrong).failed > 3, wrong.stdout);
  } finally {
    await mock[Symbol.asyncDispose]();
  }
  const path = join(server.slot.directory, 'silent.sock');
  const silent = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(path);
  await once(silent, 'listening');
  const none = await runCompatibility(path, ['info']);
  silent.close();
  assert.equal(none.status, 1);
  assert.ok(countsOf(none).failed > 0, none.stdout);
});
