import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { encodeRequest, Type } from 'warden-protocol';
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

test('a drain begins nothing that was sent behind a request, and gives a client that does not read two seconds', async () => {
  const container = await scene.create({ handle: 'demo' });
  const monitor = scene.host.living.get(container.id)!;
  monitor.stubborn = true;
  const spawned = await (await connect()).call(Type.Spawn, { handle: 'demo', script: '' });
  assert.ok(spawned.type === Type.Spawn);
  const [stopping, deaf, other] = [await connect(), await connect(), await connect()];
  stopping.send(Type.Stop, { handle: 'demo' });
  stopping.send(Type.Create, { handle: 'behind-a-stop' });
  deaf.socket.pause();
  for (let times = 0; times < 40; times++) deaf.send(Type.Echo, { message: 'x'.repeat(100_000) });
  deaf.send(Type.Create, { handle: 'behind-what-is-not-read' });
  while (monitor.signals.length === 0) await other.call(Type.Ping, {});
  const drained = server.listener.drain(60_000);
  await other.until(() => other.closed);
  monitor.end(spawned.response.jobId, { kind: 'exited', status: 0 });
  await stopping.until(() => stopping.closed);
  assert.deepEqual(stopping.responses.map(({ type }) => type), [Type.Stop]);
  scene.host.clock.advance(2000);
  await drained;
  assert.deepEqual(scene.containers.handles(), ['demo']);
});

test('a begun frame has to go on, whatever of it has come; idle connections and waiting ones may stay', async () => {
  const [header, body, idle, waiting] = [await connect(), await connect(), await connect(), await connect()];
  const container = await scene.create({ handle: 'demo' });
  await idle.call(Type.Ping, {});
  waiting.send(Type.Run, { handle: 'demo', script: '' });
  while (container.jobs.size === 0) await idle.call(Type.Ping, {});
  // Behind the run that is under way: its turn has not come.
  waiting.socket.write('9');
  header.socket.write('1');
  body.socket.write('100\r\nabc');
  // A reply from each connection's successor in the loop: the bytes above were read before it.
  for (let times = 0; times < 3; times++) await idle.call(Type.Ping, {});
  scene.host.clock.advance(59_000);
  body.socket.write('d');
  for (let times = 0; times < 3; times++) await idle.call(Type.Ping, {});
  scene.host.clock.advance(1000);
  await header.until(() => header.closed);
  assert.equal(body.closed, false);
  scene.host.clock.advance(59_000);
  await body.until(() => body.closed);
  scene.host.clock.advance(600_000);
  assert.equal((await idle.call(Type.Ping, {})).type, Type.Ping);
  assert.equal(waiting.closed, false);
  assert.equal(server.warnings.filter((warning) => warning.includes('got no byte for 60 s')).length, 2);
});

test('a frame that came in parts and is whole may rest, and so may its connection', async () => {
  const [first, other] = [await connect(), await connect()];
  const frame = encodeRequest(Type.Echo, { message: 'x' });
  for (const at of [1, 3, frame.length - 1]) {
    const before = first.responses.length;
    first.socket.write(frame.subarray(0, at));
    for (let times = 0; times < 3; times++) await other.call(Type.Ping, {});
    first.socket.write(frame.subarray(at));
    await first.until(() => first.responses.length > before);
    scene.host.clock.advance(600_000);
    assert.equal((await first.call(Type.Ping, {})).type, Type.Ping);
  }
  assert.deepEqual(server.warnings, []);
});

test('unfinished frames of all connections together are bounded', async () => {
  const clients = [await connect(), await connect(), await connect()];
  for (const client of clients) client.socket.write('8000000\r\n');
  const [small, large, middle] = clients;
  small!.socket.write(Buffer.alloc(1_000_000));
  middle!.socket.write(Buffer.alloc(1_500_000));
  large!.socket.write(Buffer.alloc(7_000_000));
  await large!.until(() => large!.closed);
  const other = await connect();
  assert.equal((await other.call(Type.Ping, {})).type, Type.Ping);
  assert.deepEqual([small!.closed, middle!.closed], [false, false]);
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
