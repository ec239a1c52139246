import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { encodeOutput, encodeRequest, requestTypes, Type, type AnyResponse } from 'warden-protocol';
import type { TestContainers } from '../container/test-containers.js';
import { makeHandlers } from './handlers.js';
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

function errorOf(response: AnyResponse | undefined): { message: string | undefined; code: string | undefined } {
  assert.equal(response?.type, Type.Error);
  return { message: response.response.message, code: response.response.data };
}

test('ping, echo and list', async () => {
  const client = await connect();
  assert.equal((await client.call(Type.Ping, {})).type, Type.Ping);
  const echo = await client.call(Type.Echo, { message: 'größe' });
  assert.equal(echo.type === Type.Echo && echo.response.message, 'größe');
  await scene.create({ handle: 'a' });
  const list = await client.call(Type.List, {});
  assert.deepEqual(list.type === Type.List && list.response.handles, ['a']);
});

test('the whole life of a container', async () => {
  const client = await connect();
  const created = await client.call(Type.Create, { handle: 'demo' });
  assert.equal(created.type === Type.Create && created.response.handle, 'demo');
  const info = await client.call(Type.Info, { handle: 'demo' });
  assert.ok(info.type === Type.Info);
  assert.deepEqual([info.response.state, info.response.hostIp, info.response.containerIp], ['active', '10.254.0.1', '10.254.0.2']);
  const spawned = await client.call(Type.Spawn, { handle: 'demo', script: 'true' });
  assert.ok(spawned.type === Type.Spawn);
  const { jobId } = spawned.response;
  const monitor = scene.host.living.get(scene.containers.get('demo').id)!;
  monitor.write(jobId, 'stdout', 'out');
  monitor.end(jobId, { kind: 'exited', status: 9 });
  const linked = await client.call(Type.Link, { handle: 'demo', jobId });
  assert.ok(linked.type === Type.Link);
  assert.equal(linked.response.exitStatus, 9);
  assert.equal(Buffer.from(linked.response.stdout!).toString(), 'out');
  assert.equal(linked.response.info?.state, 'active');
  assert.deepEqual(errorOf(await client.call(Type.Link, { handle: 'demo', jobId })), { message: 'no such job', code: 'not_found' });
  assert.equal((await client.call(Type.Stop, { handle: 'demo' })).type, Type.Stop);
  assert.equal((await client.call(Type.Stop, { handle: 'demo', background: true })).type, Type.Stop);
  assert.equal(errorOf(await client.call(Type.Spawn, { handle: 'demo', script: '' })).code, 'wrong_state');
  assert.equal((await client.call(Type.Destroy, { handle: 'demo' })).type, Type.Destroy);
  assert.deepEqual(errorOf(await client.call(Type.Destroy, { handle: 'demo' })), { message: 'unknown handle', code: 'not_found' });
  assert.deepEqual(scene.host.leftovers(), []);
});

test('every type of the protocol has a handler', () => {
  const handlers = makeHandlers(scene.containers);
  for (const type of requestTypes) assert.equal(typeof handlers[type], 'function');
});

test('replies come in the order of the requests, however they are sent', async () => {
  const client = await connect();
  await scene.create({ handle: 'demo' });
  const messages = Array.from({ length: 2000 }, (_, number) => `${number}`);
  const requests = messages.flatMap((message, number) => {
    const echo = encodeRequest(Type.Echo, { message });
    // Now and then one that takes a while.
    return number % 100 === 0 ? [encodeRequest(Type.Stop, { handle: 'demo' }), echo] : [echo];
  });
  const bytes = Buffer.concat(requests);
  for (let at = 0; at < bytes.length; at += 1013) client.socket.write(bytes.subarray(at, at + 1013));
  await client.until(() => client.responses.length === requests.length);
  const echoed = client.responses.flatMap((response) => (response.type === Type.Echo ? [response.response.message] : []));
  assert.deepEqual(echoed, messages);
});

test('an error leaves the connection open; bytes that are no frame close it, and no other', async () => {
  const [client, other] = [await connect(), await connect()];
  assert.equal(errorOf(await client.call(Type.Info, { handle: 'nobody' })).message, 'unknown handle');
  assert.equal((await client.call(Type.Ping, {})).type, Type.Ping);
  for (const bytes of ['-5\r\n', '0x10\r\n', '99999999\r\n', 'GET / HTTP/1.1\r\n', '012\r\n', '2\r\nabcd']) {
    const bad = await connect();
    bad.socket.write(bytes);
    await bad.until(() => bad.closed);
    assert.deepEqual(bad.responses, []);
  }
  assert.equal(server.warnings.length, 6);
  assert.equal((await other.call(Type.Ping, {})).type, Type.Ping);
});

test('what was asked before the bad bytes is answered', async () => {
  const client = await connect();
  client.socket.write(Buffer.concat([encodeRequest(Type.Ping, {}), Buffer.from('nonsense')]));
  await client.until(() => client.closed);
  assert.deepEqual(client.responses.map(({ type }) => type), [Type.Ping]);
});

test('an unexpected error tells the client nothing but that there was one', async () => {
  const client = await connect();
  scene.host.rootFileSystems.open = () => {
    throw new Error('secret path /root/key');
  };
  const { message, code } = errorOf(await client.call(Type.Create, {}));
  assert.equal(code, 'internal');
  assert.doesNotMatch(message ?? '', /secret/);
  assert.deepEqual(server.warnings, ['a request failed unexpectedly']);
});

test('a stream sends output as it comes, then the exit status', async () => {
  const client = await connect();
  const { id } = await scene.create({ handle: 'demo' });
  const spawned = await client.call(Type.Spawn, { handle: 'demo', script: '' });
  assert.ok(spawned.type === Type.Spawn);
  const { jobId } = spawned.response;
  client.responses.length = 0;
  const monitor = scene.host.living.get(id)!;
  monitor.write(jobId, 'stdout', 'early');
  client.send(Type.Stream, { handle: 'demo', jobId });
  await client.until(() => client.responses.length === 1);
  monitor.write(jobId, 'stderr', 'late');
  await client.until(() => client.responses.length === 2);
  monitor.end(jobId, { kind: 'signalled', signal: 15 });
  await client.until(() => client.responses.length === 3);
  const parts = client.responses.map((response) => {
    assert.ok(response.type === Type.Stream);
    const { name, data, exitStatus } = response.response;
    return [name, data === undefined ? undefined : Buffer.from(data).toString(), exitStatus];
  });
  assert.deepEqual(parts, [['stdout', 'early', undefined], ['stderr', 'late', undefined], [undefined, undefined, 255]]);
  assert.deepEqual(errorOf(await client.call(Type.Stream, { handle: 'demo', jobId })).message, 'no such job');
});

test('a broken stream leaves the job, a broken run consumes it', async () => {
  const client = await connect();
  const container = await scene.create({ handle: 'demo' });
  const monitor = scene.host.living.get(container.id)!;
  const spawned = await client.call(Type.Spawn, { handle: 'demo', script: '' });
  assert.ok(spawned.type === Type.Spawn);
  const { jobId } = spawned.response;
  const streaming = await connect();
  streaming.send(Type.Stream, { handle: 'demo', jobId });
  monitor.write(jobId, 'stdout', 'x');
  await streaming.until(() => streaming.responses.length === 1);
  streaming.socket.destroy();
  const running = await connect();
  running.send(Type.Run, { handle: 'demo', script: '' });
  const other = await connect();
  while (monitor.jobs.size < 2) await other.call(Type.Ping, {});
  const [, runId] = [...monitor.jobs.keys()];
  running.socket.destroy();
  while (!container.jobs.get(runId!)?.consumed) await other.call(Type.Ping, {});
  monitor.end(runId!, { kind: 'exited', status: 0 });
  monitor.end(jobId, { kind: 'exited', status: 0 });
  while (monitor.jobs.has(runId!)) await other.call(Type.Ping, {});
  assert.equal((await client.call(Type.Link, { handle: 'demo', jobId })).type, Type.Link);
});

test('a client that reads nothing holds up its own stream, and no other client', async () => {
  const container = await scene.create({ handle: 'demo' });
  const monitor = scene.host.living.get(container.id)!;
  const [slow, quick] = [await connect(), await connect()];
  const spawned = await quick.call(Type.Spawn, { handle: 'demo', script: '' });
  assert.ok(spawned.type === Type.Spawn);
  const { jobId } = spawned.response;
  slow.socket.pause();
  slow.send(Type.Stream, { handle: 'demo', jobId });
  while (container.jobs.get(jobId)?.followers !== 1) await quick.call(Type.Ping, {});
  const chunk = 'x'.repeat(64 * 1024);
  for (let number = 0; number < 64; number++) monitor.write(jobId, 'stdout', chunk);
  assert.equal((await quick.call(Type.Ping, {})).type, Type.Ping);
  monitor.end(jobId, { kind: 'exited', status: 0 });
  slow.socket.resume();
  await slow.until(() => slow.responses.length === 65);
  const length = slow.responses.reduce((sum, response) => sum + (response.type === Type.Stream ? response.response.data?.length ?? 0 : 0), 0);
  assert.equal(length, 64 * chunk.length);
});

test('a client that sends and never reads is not read from without end', async () => {
  const client = await connect();
  const [session] = [client.socket];
  session.pause();
  const request = encodeRequest(Type.Echo, { message: 'x'.repeat(100_000) });
  let taken = 0;
  const sent = new Promise<void>((resolve) => {
    const send = (): void => {
      while (taken < 2000) {
        taken++;
        if (!session.write(request)) {
          session.once('drain', send);
          return;
        }
      }
      resolve();
    };
    send();
  });
  const other = await connect();
  let stalled = 0;
  for (let last = -1; stalled < 20; last = taken) {
    await other.call(Type.Ping, {});
    stalled = last === taken ? stalled + 1 : 0;
  }
  assert.ok(taken < 2000, `${taken} requests of 100 kB were taken`);
  session.resume();
  await sent;
  await client.until(() => client.responses.length === 2000);
});

test('a result too large to keep is read again, whole, and its job goes when it was written', async () => {
  const container = await scene.create({ handle: 'demo' });
  const monitor = scene.host.living.get(container.id)!;
  const client = await connect();
  const spawned = await client.call(Type.Spawn, { handle: 'demo', script: '' });
  assert.ok(spawned.type === Type.Spawn);
  const { jobId } = spawned.response;
  for (let number = 0; number < 50; number++) {
    monitor.write(jobId, 'stdout', String.fromCharCode(65 + (number % 26)).repeat(64 * 1024));
    monitor.write(jobId, 'stderr', String.fromCharCode(97 + (number % 26)).repeat(1000));
  }
  monitor.end(jobId, { kind: 'exited', status: 6 });
  client.responses.length = 0;
  // A request behind it waits for the end of the reply.
  client.send(Type.Link, { handle: 'demo', jobId });
  client.send(Type.Ping, {});
  await client.until(() => client.responses.length === 2);
  const [linked] = client.responses;
  assert.ok(linked?.type === Type.Link);
  const { exitStatus, stdout, stderr, info } = linked.response;
  assert.deepEqual([exitStatus, stdout?.length, stderr?.length, info?.state], [6, 50 * 64 * 1024, 50_000, 'active']);
  assert.equal(stdout?.[64 * 1024], 66);
  assert.equal(stderr?.[49_999], 97 + (49 % 26));
  assert.equal(client.responses[1]?.type, Type.Ping);
  while (monitor.jobs.has(jobId)) await client.call(Type.Ping, {});
});

test('of large pieces one waits for a client that does not read while the next is fetched, and memory is free when it is written', async () => {
  const piece = Buffer.alloc(256 * 1024, 'x');
  const pieces = 20;
  let [sent, written] = [0, 0];
  let stalled = (): void => undefined;
  const listener = server.listenerAt(`${server.directory}/other.sock`, { permissions: 0o600, maxConnections: 5, handlers: {
    [Type.Stream]: async (call) => {
      let resume = (): void => undefined;
      call.onWritable(() => resume());
      for (; sent < pieces; await new Promise(setImmediate)) {
        sent++;
        if (call.sendParts(encodeOutput('stdout', piece), () => void written++)) continue;
        const room = new Promise<void>((resolve) => void (resume = resolve));
        stalled();
        await room;
      }
      return { exitStatus: 0 };
    },
  } });
  await listener.listen();
  const client = await server.connect({ path: `${server.directory}/other.sock` });
  client.socket.pause();
  const waits = new Promise<void>((resolve) => void (stalled = resolve));
  client.send(Type.Stream, { handle: 'any', jobId: 1 });
  await waits;
  assert.equal(sent - written, 2);
  client.socket.resume();
  await client.until(() => client.responses.some((response) => response.type === Type.Stream && response.response.exitStatus === 0));
  assert.deepEqual([written, client.responses.length], [pieces, pieces + 1]);
  // Nothing is given back of what a client that has gone did not get.
  [sent, written] = [0, 0];
  const gone = await server.connect({ path: `${server.directory}/other.sock` });
  gone.socket.pause();
  const waitsAgain = new Promise<void>((resolve) => void (stalled = resolve));
  gone.send(Type.Stream, { handle: 'any', jobId: 1 });
  await waitsAgain;
  gone.socket.destroy();
  await gone.until(() => gone.closed);
  while (listener.connections > 1) await new Promise(setImmediate);
  assert.ok(written < sent, `${written} of ${sent}`);
  client.socket.destroy();
  await listener.drain(1000);
});

test('a large result whose client goes away leaves the job', async () => {
  const container = await scene.create({ handle: 'demo' });
  const monitor = scene.host.living.get(container.id)!;
  const client = await connect();
  const spawned = await client.call(Type.Spawn, { handle: 'demo', script: '' });
  assert.ok(spawned.type === Type.Spawn);
  const { jobId } = spawned.response;
  for (let number = 0; number < 100; number++) monitor.write(jobId, 'stdout', 'x'.repeat(64 * 1024));
  monitor.end(jobId, { kind: 'exited', status: 0 });
  const gone = await connect();
  gone.socket.pause();
  gone.send(Type.Link, { handle: 'demo', jobId });
  while (container.jobs.get(jobId)?.followers !== 1) await client.call(Type.Ping, {});
  gone.socket.destroy();
  while (container.jobs.get(jobId)?.followers !== 0) await client.call(Type.Ping, {});
  const linked = await client.call(Type.Link, { handle: 'demo', jobId });
  assert.equal(linked.type === Type.Link && linked.response.stdout?.length, 6_553_600);
});

test('requests sent before a half close are answered', async () => {
  const client = await connect();
  client.socket.end(Buffer.concat([encodeRequest(Type.Create, { handle: 'x' }), encodeRequest(Type.List, {})]));
  await client.until(() => client.closed);
  assert.deepEqual(client.responses.map(({ type }) => type), [Type.Create, Type.List]);
});
