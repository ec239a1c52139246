/* The lines of the log about requests, and the traces that they belong to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { useServer } from '../harness/fixture.js';
import { wardenProgram } from '../harness/paths.js';
import { runProgram } from '../harness/run-program.js';
import { encode, lengthDelimited, operations, rawFrame, varint } from '../harness/wire.js';
import type { Fields, OperationName } from '../harness/wire.js';

const server = useServer({ logging: { level: 'info' } });
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const RECORDED = `00-${TRACE}-${PARENT}-01`;

/** A request with a traceparent in its envelope. */
function traced(name: OperationName, fields: Fields, traceparent: string): Buffer {
  const { type, request } = operations[name];
  return rawFrame(Buffer.concat([varint(1 << 3), varint(type), lengthDelimited(2, encode(request, fields)), lengthDelimited(1000, Buffer.from(traceparent))]));
}

/** Lines about requests that were written behind the first `from` characters of the log. */
function requestLines(from: number): Record<string, unknown>[] {
  return server.daemon.log.slice(from).split('\n').filter((line) => line.includes('"msg":"request"')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a request that is recorded has its line: level, request, handle, duration, outcome, trace and parent; others have none', async () => {
  const { client, handle } = await server.container({ handle: 'traced' });
  const from = server.daemon.log.length;
  const reply = client.reply();
  client.write(traced('run', { handle, script: 'sleep 0.2' }, RECORDED));
  assert.equal((await reply).type, operations.run.type);
  await client.run(handle, 'true');
  const refused = client.reply();
  client.write(traced('info', { handle: 'nobody' }, RECORDED));
  await refused;
  const unrecorded = client.reply();
  client.write(traced('ping', {}, `00-${TRACE}-${PARENT}-00`));
  assert.equal((await unrecorded).type, operations.ping.type);
  const [run, info, ...more] = requestLines(from);
  assert.deepEqual(more, []);
  assert.deepEqual([run?.['level'], run?.['request'], run?.['handle'], run?.['outcome'], run?.['trace'], run?.['parent']], [30, 'run', 'traced', 'ok', TRACE, PARENT]);
  assert.ok(Number(run?.['ms']) >= 200, String(run?.['ms']));
  assert.deepEqual([info?.['request'], info?.['handle'], info?.['outcome'], info?.['reason'], info?.['trace']], ['info', 'nobody', 'not_found', 'unknown handle', TRACE]);
});

test('what is no traceparent is passed over, and nothing of it comes into the log', async () => {
  const client = await server.connect();
  const from = server.daemon.log.length;
  for (const text of ['', 'canary', 'x'.repeat(100_000), `${RECORDED}canary`, `${RECORDED}\n{"canary":1}`]) {
    const reply = client.reply();
    client.write(traced('ping', {}, text));
    assert.equal((await reply).type, operations.ping.type, text.slice(0, 60));
  }
  assert.equal(server.daemon.log.slice(from), '');
});

test('the client library and the command line send the trace that they are given', async () => {
  const from = server.daemon.log.length;
  const warden = await WardenClient.connect({ path: server.paths.socket }, { traceparent: RECORDED });
  await warden.list();
  await warden.close();
  for (const TRACEPARENT of [RECORDED, 'nonsense']) {
    const { status, stdout } = await runProgram(wardenProgram, ['--socket', server.paths.socket, '--', 'ping'], { env: { ...process.env, TRACEPARENT } });
    assert.deepEqual([status, stdout], [0, 'pong\n']);
  }
  assert.deepEqual(requestLines(from).map(({ request, trace }) => [request, trace]), [['list', TRACE], ['ping', TRACE]]);
});
