import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Type, type AnyResponse, type LogsResponse } from 'warden-protocol';
import type { RecordingMonitor } from '../container/recording-monitor.js';
import { TestServer, type TestClient } from './test-server.js';

let server: TestServer;
let client: TestClient;
let monitor: RecordingMonitor;

beforeEach(async () => {
  server = new TestServer();
  await server.listener.listen();
  const container = await server.scene.create({ handle: 'demo' });
  const living = server.scene.host.living.get(container.id);
  assert.ok(living !== undefined);
  monitor = living;
  client = await server.connect();
});

afterEach(() => server.close());

async function spawn(options: object = {}): Promise<number> {
  const { type, response } = await client.call(Type.Spawn, { handle: 'demo', script: 'true', ...options });
  assert.ok(type === Type.Spawn);
  return response.jobId;
}

/** A LogsResponse as one line. */
function line({ type, response }: AnyResponse): string {
  assert.equal(type, Type.Logs);
  const { name, data, position, last, exitStatus, signal } = response as LogsResponse;
  return last === true ? `last ${position} ${exitStatus} ${signal}` : `${name} ${position} ${Buffer.from(data ?? []).toString()}`;
}

/** Lets the server see what was sent. */
async function turns(): Promise<void> {
  for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
}

test('logs tell where each piece begins, and in the last answer how far they went and how the job ended', async () => {
  const id = await spawn();
  monitor.write(id, 'stdout', 'out');
  monitor.write(id, 'stderr', 'err');
  client.responses.length = 0;
  client.send(Type.Logs, { handle: 'demo', jobId: id, sinceByte: 1n });
  await client.until(() => client.responses.length === 3);
  assert.deepEqual(client.responses.map(line), ['stdout 1 ut', 'stderr 3 err', 'last 6 undefined undefined']);

  client.responses.length = 0;
  client.send(Type.Logs, { handle: 'demo', jobId: id, sinceByte: 6n, follow: true });
  await turns();
  monitor.write(id, 'stdout', 'more');
  monitor.end(id, { kind: 'signalled', signal: 15 });
  await client.until(() => client.responses.length === 2);
  assert.deepEqual(client.responses.map(line), ['stdout 6 more', 'last 10 255 15']);
  assert.equal((await client.call(Type.Link, { handle: 'demo', jobId: id })).type, Type.Link, 'it is still there');
});

test('how a job ended is told in full where 255 leaves it open', async () => {
  const ends = [
    [{ kind: 'exited', status: 255 }, {}],
    [{ kind: 'signalled', signal: 11 }, { signal: 11 }],
    [{ kind: 'signalled', signal: 9, timedOut: true }, { signal: 9, timedOut: true }],
    [{ kind: 'lost' }, { lost: true }],
  ] as const;
  for (const type of [Type.Link, Type.Stream] as const) {
    // Lost comes last, and once: it is the end of the container as well.
    for (const [exit, details] of ends.slice(0, type === Type.Stream ? 4 : 3)) {
      const id = await spawn();
      monitor.end(id, exit);
      const { response } = await client.call(type, { handle: 'demo', jobId: id });
      const { exitStatus, signal, timedOut, lost } = response as { exitStatus?: number; signal?: number; timedOut?: boolean; lost?: boolean };
      assert.equal(exitStatus, 255);
      assert.deepEqual({ signal, timedOut, lost }, { signal: undefined, timedOut: undefined, lost: undefined, ...details });
    }
  }
});

test('input, sizes and signals are passed on, and answered', async () => {
  const id = await spawn({ script: '', tty: { rows: 24, columns: 80 } });
  assert.deepEqual(await client.call(Type.Input, { handle: 'demo', jobId: id, data: Buffer.from('text') }), { type: Type.Input, response: {} });
  assert.deepEqual(await client.call(Type.Input, { handle: 'demo', jobId: id, close: true }), { type: Type.Input, response: {} });
  assert.deepEqual(await client.call(Type.Resize, { handle: 'demo', jobId: id, rows: 50, columns: 132 }), { type: Type.Resize, response: {} });
  assert.deepEqual(await client.call(Type.Signal, { handle: 'demo', jobId: id, signal: 2 }), { type: Type.Signal, response: {} });
  assert.deepEqual([monitor.jobs.get(id)?.input, monitor.resized, monitor.jobSignals], [{ text: 'text', closed: true }, [[id, 50, 132]], [[id, 2]]]);
  const { type, response } = await client.call(Type.Jobs, { handle: 'demo' });
  assert.ok(type === Type.Jobs);
  assert.deepEqual(response.jobs.map((job) => [job.id, job.state, job.command]), [[id, 'running', '/bin/bash']]);
});

test('what waits for a job that does not read is given up with its client', async () => {
  const id = await spawn({ stdin: true });
  monitor.deaf = true;
  const writer = await server.connect();
  let givenUp = false;
  const write = monitor.writeInput.bind(monitor);
  monitor.writeInput = (...parameters) => {
    const { taken, giveUp } = write(...parameters);
    return { taken, giveUp: () => { givenUp = true; giveUp(); } };
  };
  writer.send(Type.Input, { handle: 'demo', jobId: id, data: Buffer.from('x') });
  await turns();
  assert.equal(givenUp, false);
  writer.socket.destroy();
  while (!givenUp) await turns();
  assert.equal((await client.call(Type.Ping, {})).type, Type.Ping);
});

test('a server that ends closes connections that wait for input to be read, or for the end of a job', async () => {
  const id = await spawn({ stdin: true });
  monitor.deaf = true;
  const [writer, reader] = [await server.connect(), await server.connect()];
  writer.send(Type.Input, { handle: 'demo', jobId: id, data: Buffer.from('x') });
  reader.send(Type.Logs, { handle: 'demo', jobId: id, follow: true });
  await turns();
  await server.listener.drain(60_000);
  await writer.until(() => writer.closed);
  await reader.until(() => reader.closed);
  assert.ok(monitor.jobs.has(id));
});

test('requests that make no sense are refused, and the connection stays', async () => {
  const id = await spawn();
  const refusals = [
    await client.call(Type.Spawn, { handle: 'demo', script: 'x', args: ['x'] }),
    await client.call(Type.Run, { handle: 'demo', script: '', env: ['x'] }),
    await client.call(Type.Signal, { handle: 'demo', jobId: id, signal: 0 }),
    await client.call(Type.Resize, { handle: 'demo', jobId: id, rows: 0, columns: 1 }),
    await client.call(Type.Input, { handle: 'demo', jobId: id, data: Buffer.alloc(1024 * 1024 + 1) }),
    await client.call(Type.Logs, { handle: 'demo', jobId: id, sinceByte: 1n }),
  ];
  assert.deepEqual(refusals.map(({ type, response }) => type === Type.Error && response.data), Array.from({ length: 6 }, () => 'invalid_argument'));
  assert.equal((await client.call(Type.Jobs, { handle: 'other' })).type, Type.Error);
  assert.equal(client.closed, false);
});
