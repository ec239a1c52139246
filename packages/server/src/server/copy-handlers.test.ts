import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { BindMountMode, errorOfResponse, Type } from 'warden-protocol';
import type { RecordingCopies } from '../container/recording-copies.js';
import { TestServer } from './test-server.js';

let server: TestServer;
let copies: RecordingCopies;

beforeEach(async () => {
  server = new TestServer();
  ({ copies } = server.scene.host);
  await server.listener.listen();
  await server.scene.create({ handle: 'demo' });
});
afterEach(() => server.close());

/** The handler runs when what was sent before it has been answered, and not a moment later. */
async function started(): Promise<RecordingCopies['started'][number]> {
  const client = await server.connect();
  while (copies.started.length === 0) await client.call(Type.Ping, {});
  const copy = copies.started[0];
  assert.ok(copy !== undefined);
  return copy;
}

test('a copy is ordered with vcap\'s rights, within the limits of the configuration', async () => {
  const client = await server.connect();
  const reply = await client.call(Type.CopyOut, { handle: 'demo', srcPath: 'a', dstPath: '/b', keepSetId: true });
  assert.ok(reply.type === Type.CopyOut);
  assert.deepEqual({ ...reply.response }, { made: 1n, bytes: 2n, skippedPaths: [] });
  const { order } = copies.started[0] ?? assert.fail();
  const container = server.scene.containers.get('demo');
  assert.deepEqual(order, {
    direction: 'out', directory: container.directory, source: 'a', destination: '/b', user: { uid: container.identity.uid, gid: container.identity.uid, home: '/home/vcap' },
    writable: [], owner: undefined, keepSetId: true, entryLimit: 100n, byteLimit: 1000n,
  });
});

test('it is told what containers can write to, each once', async () => {
  const mounts = [{ srcPath: '/srv/a', dstPath: '/a', mode: BindMountMode.RW }, { srcPath: '/srv/b', dstPath: '/b', mode: BindMountMode.RO }, { srcPath: '/srv/a', dstPath: '/c', mode: BindMountMode.RW }];
  await server.scene.create({ handle: 'other', bindMounts: mounts });
  const client = await server.connect();
  await client.call(Type.CopyIn, { handle: 'demo', srcPath: '/a', dstPath: 'b' });
  assert.deepEqual(copies.started[0]?.order.writable, ['/srv/a']);
});

test('paths that are none never reach the machine', async () => {
  const client = await server.connect();
  for (const [srcPath, dstPath] of [['', 'b'], ['a', 'b'], ['/a', ''], ['/a\0', 'b'], ['/a', 'b\0'], [`/${'a'.repeat(4095)}`, 'b']] as const) {
    const reply = await client.call(Type.CopyIn, { handle: 'demo', srcPath, dstPath });
    assert.ok(reply.type === Type.Error);
    assert.match(errorOfResponse(reply.response).message, /^(?:src|dst)_path: /);
    assert.equal(errorOfResponse(reply.response).code, 'invalid_argument');
  }
  assert.deepEqual(copies.started, []);
});

test('progress is told to who wants it, and then the result with what was left out', async () => {
  copies.held = true;
  const client = await server.connect();
  client.send(Type.CopyIn, { handle: 'demo', srcPath: '/a', dstPath: 'b', progress: true });
  const copy = await started();
  copy.progress({ entries: 3n, bytes: 4n, skipped: 0n });
  await client.until(() => client.responses.length === 1);
  copy.finish({ entries: 5n, bytes: 6n, skipped: 1n, skippedPaths: ['fifo'] });
  await client.until(() => client.responses.length === 2);
  assert.deepEqual(client.responses.map(({ response }) => ({ ...response })), [
    { progress: { made: 3n, bytes: 4n }, skippedPaths: [] }, { made: 5n, bytes: 6n, skipped: 1n, skippedPaths: ['fifo'] },
  ]);
});

test('without the wish there is the result alone', async () => {
  copies.held = true;
  const client = await server.connect();
  client.send(Type.CopyIn, { handle: 'demo', srcPath: '/a', dstPath: 'b' });
  const copy = await started();
  copy.progress({ entries: 3n, bytes: 4n, skipped: 0n });
  copy.finish({ entries: 5n, bytes: 6n, skipped: 0n, skippedPaths: [] });
  await client.until(() => client.responses.length === 1);
  assert.deepEqual({ ...client.responses[0]?.response }, { made: 5n, bytes: 6n, skippedPaths: [] });
});

test('a client that goes ends its copy', async () => {
  copies.held = true;
  const client = await server.connect();
  client.send(Type.CopyIn, { handle: 'demo', srcPath: '/a', dstPath: 'b' });
  const copy = await started();
  client.socket.destroy();
  await copy.givenUp;
});
