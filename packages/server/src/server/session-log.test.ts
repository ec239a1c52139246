/** What the log says of requests, and under which trace. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { encodeRequest, Type, withTraceparent } from 'warden-protocol';
import { TestServer, type TestClient } from './test-server.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

let server: TestServer;
let client: TestClient;

beforeEach(async () => {
  server = new TestServer();
  await server.listener.listen();
  client = await server.connect();
});

afterEach(() => server.close());

const lines = (level: string): Record<string, unknown>[] => server.lines.filter((line) => line.level === level).map(({ facts }) => facts as Record<string, unknown>);

/** Sends a frame and waits for its reply. */
async function send(frame: Uint8Array): Promise<void> {
  const before = client.responses.length;
  client.socket.write(frame);
  await client.until(() => client.responses.length > before || client.closed);
}

test('a request is one line of debug: name, handle, duration, outcome, and a trace of its own', async () => {
  await server.scene.create({ handle: 'demo' });
  await send(encodeRequest(Type.Info, { handle: 'demo' }));
  await send(encodeRequest(Type.Info, { handle: 'demo' }));
  const [first, second] = lines('debug');
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual([first['request'], first['handle'], first['outcome'], first['reason']], ['info', 'demo', 'ok', undefined]);
  assert.ok(typeof first['ms'] === 'number' && first['ms'] >= 0);
  assert.match(String(first['trace']), /^[0-9a-f]{32}$/);
  assert.match(String(second['trace']), /^[0-9a-f]{32}$/);
  assert.notEqual(first['trace'], second['trace']);
});

test('a traceparent of the client is the trace of the line, which is of level info when the client records it', async () => {
  await send(withTraceparent(encodeRequest(Type.Ping, {}), `00-${TRACE}-${PARENT}-00`));
  assert.deepEqual(lines('debug').map(({ trace, parent }) => ({ trace, parent })), [{ trace: TRACE, parent: PARENT }]);
  await send(withTraceparent(encodeRequest(Type.List, {}), `00-${TRACE}-${PARENT}-01`));
  assert.deepEqual(lines('info').map(({ request, trace, parent }) => ({ request, trace, parent })), [{ request: 'list', trace: TRACE, parent: PARENT }]);
  await send(encodeRequest(Type.Ping, {}));
  assert.notEqual(lines('debug').at(-1)?.['trace'], TRACE);
});

test('what waits for something keeps its trace, whatever other connections ask meanwhile', async () => {
  await server.scene.create({ handle: 'demo' });
  const other = await server.connect();
  client.socket.write(withTraceparent(encodeRequest(Type.Stop, { handle: 'demo' }), `00-${TRACE}-${PARENT}-00`));
  await other.call(Type.Ping, {});
  await client.until(() => client.responses.length > 0);
  assert.deepEqual(lines('debug').filter(({ request }) => request === 'stop').map(({ trace }) => trace), [TRACE]);
  assert.notEqual(lines('debug').find(({ request }) => request === 'ping')?.['trace'], TRACE);
});

test('a request that is refused says why, also when it lacks a field, and names no more than a piece of a long handle', async () => {
  await send(encodeRequest(Type.Info, { handle: 'x'.repeat(100_000) }));
  await send(withTraceparent(Buffer.from('4\r\n\x08\x5d\x12\x00\r\n', 'latin1'), `00-${TRACE}-${PARENT}-00`));
  const [long, lacking] = lines('debug');
  assert.equal(String(long?.['handle']).length, 256);
  assert.deepEqual([lacking?.['request'], lacking?.['outcome'], lacking?.['trace']], ['echo', 'invalid_argument', TRACE]);
  assert.match(String(lacking?.['reason']), /required field message is missing/);
});

test('an unexpected error tells its client the trace under which the log has it', async () => {
  server.scene.host.rootFileSystems.open = () => {
    throw new Error('unexpected');
  };
  await send(encodeRequest(Type.Create, {}));
  const response = client.responses[0];
  assert.ok(response?.type === Type.Error);
  const [, trace] = /under trace ([0-9a-f]{32})$/.exec(response.response.message ?? '') ?? [];
  assert.ok(trace !== undefined, response.response.message);
  assert.deepEqual(lines('error').map((line) => line['trace']), [trace]);
  assert.deepEqual(lines('debug').map((line) => line['trace']), [trace]);
});

test('no line of debug, and no id for it, is made when none is written', async () => {
  server.writesDebug = false;
  await send(encodeRequest(Type.Ping, {}));
  await send(withTraceparent(encodeRequest(Type.Ping, {}), `00-${TRACE}-${PARENT}-01`));
  assert.deepEqual(server.lines.map(({ level }) => level), ['info']);
});
