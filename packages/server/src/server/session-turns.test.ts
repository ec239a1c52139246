import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { encodeRequest, Type, type RequestType } from 'warden-protocol';
import { TestServer, type TestClient } from './test-server.js';

let server: TestServer;
let answered: RequestType[];

beforeEach(async () => {
  answered = [];
  server = new TestServer((type) => void answered.push(type));
  await server.listener.listen();
});

afterEach(() => server.close());

/** Requests of one client that are sent at once; another one's pings meanwhile. @returns how many were answered between two pings at most */
async function mostBetweenPings(request: Buffer, count: number): Promise<number> {
  const [greedy, modest] = [await server.connect(), await server.connect()];
  greedy.socket.write(Buffer.concat(Array.from({ length: count }, () => request)));
  while (greedy.responses.length < count) await modest.call(Type.Ping, {});
  let [row, most] = [0, 0];
  for (const type of answered) {
    row = type === Type.Ping ? 0 : row + 1;
    most = Math.max(most, row);
  }
  return most;
}

/** The same call, which takes so long. */
function taking<Args extends unknown[], Result>(ms: number, call: (...args: Args) => Result): (...args: Args) => Result {
  return (...args) => {
    server.scene.host.clock.advance(ms);
    return call(...args);
  };
}

test('requests whose handlers wait for nothing do not keep others waiting until all of them are answered', async () => {
  await server.scene.create({ handle: 'demo' });
  const { memory } = server.scene.host;
  memory.read = taking(0.05, memory.read.bind(memory));
  assert.ok(await mostBetweenPings(encodeRequest(Type.LimitMemory, { handle: 'demo' }), 2000) <= 100);
});

test('nor do requests that fail', async () => {
  const { containers } = server.scene;
  containers.get = taking(0.05, containers.get.bind(containers));
  assert.ok(await mostBetweenPings(encodeRequest(Type.Destroy, { handle: 'nobody' }), 2000) <= 100);
});

test('requests that are answered at once are few in a row when they take long', async () => {
  const { containers } = server.scene;
  containers.all = taking(0.5, containers.all.bind(containers));
  assert.ok(await mostBetweenPings(encodeRequest(Type.List, {}), 240) <= 12);
});

test('and 256 when they do not', async () => {
  assert.ok(await mostBetweenPings(encodeRequest(Type.Echo, { message: '' }), 3000) <= 1024);
});

test('a client that goes while a request of a later turn waits for its job is noticed', async () => {
  const container = await server.scene.create({ handle: 'demo' });
  const { containers } = server.scene;
  containers.all = taking(5, containers.all.bind(containers));
  const [client, other] = [await server.connect(), await server.connect()];
  client.socket.write(Buffer.concat([encodeRequest(Type.List, {}), encodeRequest(Type.Run, { handle: 'demo', script: '' }), encodeRequest(Type.Ping, {})]));
  while (container.jobs.size === 0) await other.call(Type.Ping, {});
  // With nothing left unread it is an end of the connection, not a reset, which would be told at once.
  await client.until(() => client.responses.length === 1);
  client.send(Type.Ping, {});
  const [job] = container.jobs.values();
  client.socket.destroy();
  while (job?.consumed !== true) await other.call(Type.Ping, {});
  server.scene.host.living.get(container.id)?.end(job.id, { kind: 'exited', status: 0 });
});

/** Connections that the server has accepted; it takes one in a turn of the loop. */
async function crowd(count: number): Promise<TestClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => server.connect()));
  await Promise.all(clients.map((client) => client.call(Type.Ping, {})));
  for (const client of clients) client.responses.length = 0;
  return clients;
}

test('requests of many clients that come together do not keep a ping waiting until the last of them is begun', async () => {
  await server.scene.create({ handle: 'demo' });
  const { containers } = server.scene;
  containers.get = taking(1, containers.get.bind(containers));
  const [modest, ...clients] = await crowd(41);
  for (const client of clients) client.send(Type.Info, { handle: 'demo' });
  answered = [];
  await modest?.call(Type.Ping, {});
  await Promise.all(clients.map((client) => client.until(() => client.responses.length === 1)));
  assert.ok(answered.indexOf(Type.Ping) < 20, `${answered.indexOf(Type.Ping)} of 40 were answered before it`);
});

test('a request that waits for its turn is done also when its client resets the connection meanwhile', async () => {
  await server.scene.create({ handle: 'demo' });
  const { containers } = server.scene;
  containers.get = taking(1, containers.get.bind(containers));
  const [modest, gone, ...clients] = await crowd(42);
  assert.ok(modest !== undefined && gone !== undefined);
  for (const client of clients) client.send(Type.Info, { handle: 'demo' });
  // A client that goes with a reply unread, more of it than its stream takes ahead, resets the connection.
  gone.socket.pause();
  gone.socket.write(Buffer.concat([encodeRequest(Type.Echo, { message: 'x'.repeat(150_000) }), encodeRequest(Type.Create, { handle: 'late' })]));
  await modest.call(Type.Ping, {});
  await modest.call(Type.Ping, {});
  gone.socket.destroy();
  for (let pings = 0; pings < 1000 && !containers.handles().includes('late'); pings++) await modest.call(Type.Ping, {});
  assert.ok(containers.handles().includes('late'));
});
