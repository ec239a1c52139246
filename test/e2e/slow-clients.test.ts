/* Clients that dribble, stay silent, or never read: an honest client does not notice. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { frame, operations } from '../harness/wire.js';

const server = useServer();

/** Milliseconds of `count` pings one after another, sorted. */
async function pingTimes(client: Client, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await client.ping();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

async function openSockets(count: number): Promise<net.Socket[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const socket = net.connect(server.paths.socket);
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }));
}

async function closeAll(sockets: net.Socket[]): Promise<void> {
  await Promise.all(sockets.map(async (socket) => {
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
  }));
}

test('with 1,000 connections that send one byte a second a ping stays under 20 ms', async () => {
  const honest = await server.connect();
  const slow = await openSockets(1000);
  const request = frame(operations.echo.type, Buffer.from('0a0474657374', 'hex'));
  let position = 0;
  // Each connection sends its next byte once a second, a tenth of them at a time.
  const timer = setInterval(() => {
    const group = position % 10;
    for (let index = group; index < slow.length; index += 10) slow[index]?.write(request.subarray(Math.floor(position / 10) % request.length).subarray(0, 1));
    position++;
  }, 100);
  try {
    const times: number[] = [];
    for (const end = Date.now() + 3_000; Date.now() < end;) times.push(...await pingTimes(honest, 100));
    times.sort((a, b) => a - b);
    const p99 = times[Math.floor(times.length * 0.99)] ?? Infinity;
    assert.ok(p99 < 20, `p99 ${p99.toFixed(2)} ms of ${times.length} pings`);
    assert.ok(position >= 20, 'the slow connections were sending');
  } finally {
    clearInterval(timer);
    await closeAll(slow);
  }
});

test('clients that never read what they asked for hold nobody', async () => {
  const { client, handle } = await server.container();
  const sockets = await openSockets(50);
  const echo = frame(operations.echo.type, Buffer.concat([Buffer.from('0a80808001', 'hex'), Buffer.alloc(2_097_152, 'x')]));
  for (const socket of sockets) {
    socket.pause();
    for (let index = 0; index < 4; index++) socket.write(echo);
  }
  const times = await pingTimes(client, 200);
  assert.ok((times[100] ?? Infinity) < 20, `median ${times[100]} ms`);
  assert.equal(output(await client.run(handle, 'echo served')), 'served\n');
  await closeAll(sockets);
});

test('a reader that stops in the middle of a large stream holds nobody', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'head -c 9000000 /dev/zero; touch done');
  const stuck = await openSockets(5);
  const stream = frame(operations.stream.type, Buffer.concat([Buffer.from([0x0a, handle.length]), Buffer.from(handle), Buffer.from([0x10, jobId])]));
  assert.ok(jobId < 128);
  for (const socket of stuck) {
    socket.pause();
    socket.write(stream);
  }
  await client.run(handle, 'until [ -e done ]; do :; done');
  assert.equal((await client.link(handle, jobId)).out.length, 9_000_000);
  await closeAll(stuck);
});

test('half-open connections: one that is shut down for writing gets its answers first', async () => {
  const client = await server.connect();
  const answers = [client.echo('a'), client.echo('b')];
  client.socket.end();
  assert.deepEqual(await Promise.all(answers), ['a', 'b']);
  await client.closed();
});

test('connections that come and go without a word leave nothing', async () => {
  for (let round = 0; round < 5; round++) await closeAll(await openSockets(200));
  await (await server.connect()).ping();
});

test('a connection cut in the middle of a frame leaves nothing', async () => {
  const sockets = await openSockets(100);
  for (const socket of sockets) socket.write('1000000\r\nabc');
  await closeAll(sockets);
  await (await server.connect()).ping();
});
