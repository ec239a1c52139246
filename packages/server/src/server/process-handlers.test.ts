import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import type { RecordingMonitor } from '../container/recording-monitor.js';
import type { RecordingTransfer } from '../container/recording-transfer.js';
import type { ProcessEntry } from '../container/files.js';
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

const entry: ProcessEntry = { pid: 1, parentPid: 0, uid: 0, state: 'S', threads: 1, cpuTimeMs: 5n, residentBytes: 6n, startedMs: 7n, name: Buffer.from('\xff', 'latin1'), commandLine: undefined };

/** What the request has begun. */
async function begun(): Promise<RecordingTransfer> {
  client.send(Type.Processes, { handle: 'demo' });
  while (monitor.transfers.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return monitor.transfers[0] as RecordingTransfer;
}

async function answer(): Promise<object> {
  await client.until(() => client.responses.length > 0 || client.closed);
  return client.responses[0]?.response ?? {};
}

test('processes are looked for in the container, by its least user, and told in one reply', async () => {
  const { order, sink, ...transfer } = await begun().then((each) => ({ order: each.order, sink: each.sink, end: each.end.bind(each) }));
  assert.deepEqual([order.operation, Buffer.from(order.path).toString(), order.entryLimit], ['processes', '/proc', 4096n]);
  assert.ok('uid' in order.user && order.user.uid !== 0 && !order.user.privileged);
  assert.equal(sink.processes?.([entry]), true);
  assert.equal(sink.processes?.([{ ...entry, pid: 2, commandLine: Buffer.from('a\0b') }]), true);
  transfer.end({ length: 2n, more: true });
  const { processes, more } = await answer() as { processes: ProcessEntry[]; more?: boolean };
  assert.equal(more, true);
  assert.deepEqual(processes.map(({ pid, commandLine }) => [pid, commandLine === undefined ? undefined : Buffer.from(commandLine).toString()]), [[1, undefined], [2, 'a\0b']]);
});

test('what goes wrong is told, and a client that goes gives it up', async () => {
  (await begun()).fail(new WardenError('unsupported', 'the container has no proc file system'));
  assert.equal((await answer() as { message: string }).message, 'the container has no proc file system');
  const other = await server.connect();
  other.send(Type.Processes, { handle: 'demo' });
  while (monitor.transfers.length < 2) await new Promise((resolve) => setImmediate(resolve));
  other.socket.destroy();
  while (monitor.transfers[1]?.abandoned !== true) await new Promise((resolve) => setImmediate(resolve));
});
