import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { WardenClient } from './client.js';
import { type FakeHandlers, FakeServer } from './testing/fake-server.js';

let server: FakeServer;
let client: WardenClient;

async function start(handlers: FakeHandlers): Promise<void> {
  server = await FakeServer.listen(handlers);
  client = await WardenClient.connect({ path: server.path });
}

afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

const job = { handle: 'x', jobId: 7 };
const isCode = (code: string) => (error: unknown): boolean => error instanceof WardenError && error.code === code;

describe('a stream', () => {
  it('gives the output in order, as bytes, and then the result', async () => {
    const pieces = [['stdout', 'one'], ['stderr', 'two'], ['stdout', ''], ['stdout', 'three\0\xff']] as const;
    await start({ [Type.Stream]: async function* () {
      for (const [name, data] of pieces) yield { name, data: Buffer.from(data, 'latin1') };
      yield { exitStatus: 42, info: { state: 'active' } };
    } });
    const stream = client.stream(job);
    const seen: string[][] = [];
    for await (const { name, data } of stream) seen.push([name, Buffer.from(data).toString('latin1')]);
    assert.deepEqual(seen, pieces.filter(([, data]) => data !== ''));
    assert.deepEqual(await stream.result(), { exitStatus: 42, info: { state: 'active', events: [], jobIds: [], netOut: [], netIn: [], bindMounts: [], labels: [] } });
    assert.deepEqual(server.requests[0], { type: Type.Stream, request: job });
    await client.ping();
    assert.equal(server.connections, 1);
  });

  it('takes output that comes with the result', async () => {
    await start({ [Type.Stream]: () => ({ name: 'stdout', data: Buffer.from('last'), exitStatus: 0 }) });
    const stream = client.stream(job);
    const seen: string[] = [];
    for await (const { data } of stream) seen.push(Buffer.from(data).toString());
    assert.deepEqual(seen, ['last']);
  });

  it('can be asked for its result alone, before or after', async () => {
    await start({ [Type.Stream]: async function* () {
      for (let count = 0; count < 100; count++) yield { name: 'stdout', data: Buffer.alloc(100_000) };
      yield { exitStatus: 1 };
    } });
    const stream = client.stream(job);
    assert.deepEqual(await stream.result(), { exitStatus: 1, info: undefined });
    assert.deepEqual(await stream.result(), { exitStatus: 1, info: undefined });
    await assert.rejects(stream[Symbol.asyncIterator]().next(), isCode('invalid_argument'));
  });

  it('makes the server wait for a slow reader', async () => {
    let sent = 0;
    const total = 200;
    await start({ [Type.Stream]: async function* () {
      for (; sent < total; sent++) yield { name: 'stdout', data: Buffer.alloc(100_000, sent) };
      yield { exitStatus: 0 };
    } });
    const stream = client.stream(job);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    let before = -1;
    // Until the server makes no more progress over many turns of the event loop: its socket is full.
    for (let idle = 0; idle < 2000; idle = sent === before ? idle + 1 : 0) {
      before = sent;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent < total / 2, `${sent} of ${total} pieces were sent to a reader that had read one`);
    let length = 100_000;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) length += next.value.data.length;
    assert.equal(length, total * 100_000);
    assert.equal((await stream.result()).exitStatus, 0);
  });

  it('fails with the server\'s error', async () => {
    await start({ [Type.Stream]: () => { throw new WardenError('not_found', 'no such job'); } });
    const stream = client.stream(job);
    await assert.rejects(async () => { for await (const _ of stream); }, isCode('not_found'));
    await assert.rejects(stream.result(), isCode('not_found'));
    await client.ping();
    assert.equal(server.connections, 1);
  });

  it('that breaks off gives what came and then fails', async () => {
    await start({ [Type.Stream]: async function* (_request, { socket }) {
      yield { name: 'stdout', data: Buffer.from('part') };
      socket.destroy();
    } });
    const stream = client.stream(job);
    const iterator = stream[Symbol.asyncIterator]();
    assert.equal(Buffer.from((await iterator.next()).value?.data ?? []).toString(), 'part');
    await assert.rejects(iterator.next(), isCode('unavailable'));
  });

  it('that is left early closes its connection', async () => {
    await start({ [Type.Stream]: async function* () {
      for (;;) yield { name: 'stdout', data: Buffer.from('y\n') };
    } });
    for await (const _ of client.stream(job)) break;
    await client.ping();
    assert.equal(server.connections, 2);
  });

  it('can be canceled, and has a deadline', async () => {
    await start({ [Type.Stream]: async function* (_request, { socket }) {
      yield { name: 'stdout', data: Buffer.from('first') };
      await new Promise((resolve) => socket.once('close', resolve));
    } });
    const controller = new AbortController();
    await assert.rejects(async () => {
      for await (const _ of client.stream(job, { signal: controller.signal })) controller.abort();
    }, isCode('canceled'));
    await assert.rejects(client.stream(job, { timeoutMs: 20 }).result(), isCode('timeout'));
    await assert.rejects(client.stream({ handle: 'never', jobId: 7 }, { signal: controller.signal }).result(), isCode('canceled'));
    await client.ping();
    assert.ok(server.requests.every(({ request }) => !('handle' in request) || request.handle !== 'never'));
  });
});
