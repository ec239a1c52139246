import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Type } from 'warden-protocol';
import type { TestContainers } from '../container/test-containers.js';
import { TestServer, type TestClient } from './test-server.js';

let server: TestServer;
let scene: TestContainers;

const connect = (): Promise<TestClient> => server.connect();

beforeEach(async () => {
  server = new TestServer();
  ({ scene } = server);
  await server.listener.listen();
});

afterEach(() => server.close());

test('the socket has its permissions, and a live one is not taken over', async () => {
  const { path } = server;
  assert.equal(statSync(path).mode & 0o777, 0o640);
  const second = server.listenerAt(path, { permissions: 0o600, maxConnections: 1 });
  await assert.rejects(second.listen(), { code: 'exists', message: /another server is listening/ });
  assert.equal((await (await connect()).call(Type.Ping, {})).type, Type.Ping);
});

test('a socket that nobody listens on is replaced, another file is not', async () => {
  const stale = join(server.directory, 'stale.sock');
  const dead = createServer().listen(stale);
  await once(dead, 'listening');
  const bound = join(server.directory, 'moved.sock');
  // Closing unlinks the path it was bound to; under another name it stays behind as after a crash.
  renameSync(stale, bound);
  dead.close();
  assert.ok(existsSync(bound));
  const options = { permissions: 0o600, maxConnections: 1 };
  const replacement = server.listenerAt(bound, options);
  await replacement.listen();
  await replacement.drain(100);
  assert.equal(existsSync(bound), false);
  writeFileSync(bound, 'important');
  await assert.rejects(server.listenerAt(bound, options).listen(), { code: 'exists', message: /not a socket/ });
});

test('a drain closes idle connections and waiting ones, and finishes what is under way', async () => {
  const container = await scene.create({ handle: 'demo' });
  const monitor = scene.host.living.get(container.id)!;
  monitor.stubborn = true;
  const [idle, waiting, stopping] = [await connect(), await connect(), await connect()];
  const spawned = await idle.call(Type.Spawn, { handle: 'demo', script: '' });
  assert.ok(spawned.type === Type.Spawn);
  const { jobId } = spawned.response;
  waiting.send(Type.Link, { handle: 'demo', jobId });
  while (container.jobs.get(jobId)?.followers !== 1) await idle.call(Type.Ping, {});
  stopping.send(Type.Stop, { handle: 'demo' });
  while (monitor.signals.length === 0) await idle.call(Type.Ping, {});
  idle.responses.length = 0;
  const drained = server.listener.drain(60_000);
  await idle.until(() => idle.closed);
  await waiting.until(() => waiting.closed);
  assert.equal(waiting.responses.some(({ type }) => type === Type.Link), false);
  assert.ok(container.jobs.has(jobId));
  assert.equal(stopping.closed, false);
  monitor.end(jobId, { kind: 'exited', status: 0 });
  await stopping.until(() => stopping.closed);
  assert.deepEqual(stopping.responses.map(({ type }) => type), [Type.Stop]);
  await drained;
  assert.equal(existsSync(join(server.directory, 'w.sock')), false);
});

test('a drain does not wait for a client that keeps its side open', async () => {
  const client = await server.connect({ allowHalfOpen: true });
  await client.call(Type.Ping, {});
  await server.listener.drain(60_000);
});

test('connections beyond the limit are refused, and room is made again', async () => {
  const many = await Promise.all(Array.from({ length: 50 }, () => connect()));
  const refused = await connect();
  await refused.until(() => refused.closed);
  many[0]?.socket.destroy();
  await many[0]?.until(() => many[0]?.closed === true);
  for (;;) {
    const client = await connect();
    client.send(Type.Ping, {});
    await client.until(() => client.closed || client.responses.length === 1);
    if (!client.closed) break;
  }
});
