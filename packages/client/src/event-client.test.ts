import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { EventClient } from './event-client.js';
import { type FakeHandlers, FakeServer } from './testing/fake-server.js';

let server: FakeServer;
let client: EventClient;

async function start(handlers: FakeHandlers = {}): Promise<void> {
  server = await FakeServer.listen({ [Type.Echo]: ({ message }) => ({ message }), ...handlers });
  client = new EventClient(server.path);
}

afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

/** What a callback is told, as a promise. */
function told<Reply>(call: (callback: (error: WardenError | undefined, reply: Reply | undefined, isLast: boolean) => void) => void): Promise<{ error: WardenError | undefined; reply: Reply | undefined; isLast: boolean }> {
  return new Promise((resolve) => call((error, reply, isLast) => resolve({ error, reply, isLast })));
}

describe('EventClient', () => {
  it('tells when it is connected, and when it is no more', async () => {
    await start();
    await once(client, 'connected');
    assert.ok(client.connected);
    server.disconnectAll();
    const [error] = await once(client, 'disconnected') as [WardenError];
    assert.equal(error.code, 'unavailable');
    assert.match(error.message, /lost the connection/);
    assert.ok(!client.connected);
  });

  it('tells that it could not connect', async () => {
    await start();
    const other = new EventClient('/nonexistent/warden.sock');
    const [error] = await once(other, 'disconnected') as [WardenError];
    assert.match(error.message, /no warden server at/);
    await other.close();
  });

  it('answers by promises and by callbacks, in the order of the calls, before it is connected too', async () => {
    await start();
    const order: string[] = [];
    await Promise.all([
      client.call('echo', { message: 'promised' }).then(({ message }) => assert.equal(message, 'promised')),
      told<{ message: string }>((callback) => client.call('echo', { message: '1' }, callback)).then(({ reply }) => order.push(reply?.message ?? '')),
      told<{ message: string }>((callback) => client.call('echo', { message: '2' }, callback)).then(({ error, reply, isLast }) => {
        assert.equal(error, undefined);
        assert.ok(isLast);
        order.push(reply?.message ?? '');
      }),
      told((callback) => client.call('info', { handle: 'h' }, callback)).then(({ error }) => order.push(error?.code ?? '')),
      told((callback) => client.call(['echo', '3'], callback)).then(({ reply }) => order.push(String(reply))),
    ]);
    assert.deepEqual(order, ['1', '2', 'unsupported', '3']);
    assert.equal(server.connections, 1);
  });

  it('pipelines', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => { open = resolve; });
    await start({ [Type.Link]: async () => { await gate; return {}; } });
    const link = client.call('link', { handle: 'h', jobId: 1 });
    const echoes = Array.from({ length: 100 }, (_, index) => client.call('echo', { message: String(index) }));
    open();
    await link;
    assert.deepEqual((await Promise.all(echoes)).map(({ message }) => Number(message)), Array.from({ length: 100 }, (_, index) => index));
  });

  it('gives every reply of a stream', async () => {
    await start({ [Type.Stream]: async function* () {
      yield { name: 'stdout', data: Buffer.from('a') };
      yield { exitStatus: 3 };
    } });
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => client.call('stream', { handle: 'h', jobId: 1 }, (error, reply, isLast) => {
      seen.push([error, reply?.name, reply?.exitStatus, isLast]);
      if (isLast) resolve();
    }));
    assert.deepEqual(seen, [[undefined, 'stdout', undefined, false], [undefined, undefined, 3, true]]);
    const names: (string | undefined)[] = [];
    const last = await client.call('stream', { handle: 'h', jobId: 1 }, { onReply: ({ name }) => names.push(name) });
    assert.equal(last.exitStatus, 3);
    assert.deepEqual(names, ['stdout', undefined]);
  });

  it('gives error replies to callbacks', async () => {
    await start({ [Type.Info]: () => { throw new WardenError('not_found', 'unknown handle'); } });
    const { error, reply, isLast } = await told((callback) => client.call('info', { handle: 'h' }, callback));
    assert.deepEqual([error?.code, reply, isLast], ['not_found', undefined, true]);
    const { error: refused } = await told((callback) => client.call('frob' as 'ping', {}, callback));
    assert.equal(refused?.message, 'Unknown command: frob');
    await client.call('ping', {});
  });

  it('fails the calls without an answer when the connection goes, and connects again for the next', async () => {
    await start({ [Type.Link]: () => new Promise(() => undefined) });
    await once(client, 'connected');
    const promise = client.call('link', { handle: 'h', jobId: 1 });
    const callback = told((done) => client.call('ping', {}, done));
    while (server.requests.length < 2) await new Promise(setImmediate);
    const gone = once(client, 'disconnected');
    server.disconnectAll();
    await assert.rejects(promise, (error) => error instanceof WardenError && error.code === 'unavailable');
    assert.equal((await callback).error?.code, 'unavailable');
    await gone;
    const again = once(client, 'connected');
    await client.call('ping', {});
    await again;
    assert.equal(server.connections, 2);
  });

  it('keeps its connection when a callback throws, and its program hears of it', async () => {
    await start();
    const uncaught = new Promise<Error>((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of others) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    client.call('ping', {}, () => { throw new Error('mine'); });
    assert.equal((await uncaught).message, 'mine');
    await assert.rejects(client.call('echo', { message: '' }, { onReply: () => { throw new Error('also mine'); } }), /also mine/);
    await client.call('ping', {});
    assert.equal(server.connections, 1);
  });

  it('tells a callback of one end, also when it gives up another call', async () => {
    await start();
    const controller = new AbortController();
    const outcomes: string[] = [];
    const tell = (name: string) => (error: WardenError | undefined): void => void outcomes.push(`${name} ${error?.code ?? 'ok'}`);
    const last = told((callback) => {
      client.call('ping', {}, (error) => {
        tell('first')(error);
        controller.abort();
      });
      client.call('ping', {}, tell('second'), { signal: controller.signal });
      client.call('ping', {}, callback);
    });
    assert.equal((await last).error?.code, 'unavailable');
    assert.deepEqual(outcomes, ['first ok', 'second canceled']);
    const promised = new AbortController();
    const given = client.call('echo', { message: 'x' }, { onReply: () => promised.abort() });
    const up = client.call('ping', {}, { signal: promised.signal });
    assert.deepEqual((await Promise.allSettled([given, up])).map(({ status }) => status), ['fulfilled', 'rejected']);
  });

  it('sends the calls that callbacks make in their order', async () => {
    await start();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      const call = (message: string): void => client.call('echo', { message }, (_error, reply) => {
        order.push(reply?.message ?? '');
        if (message.length < 5) for (const letter of 'ab') call(message + letter);
        if (order.length === 3 * 31) resolve();
      });
      for (const letter of 'xyz') call(letter);
    });
    assert.deepEqual(order, server.requests.map(({ request }) => (request as { message: string }).message));
  });

  it('takes a TCP address', async () => {
    await start();
    const forwarder = createServer((socket) => socket.pipe(connect(server.path)).pipe(socket)).listen(0, '127.0.0.1');
    await once(forwarder, 'listening');
    const remote = new EventClient(`tcp:127.0.0.1:${(forwarder.address() as { port: number }).port}`);
    assert.deepEqual(await remote.call('ping', {}), {});
    await remote.close();
    forwarder.close();
  });

  it('is closed for good', async () => {
    await start();
    await client.call('ping', {});
    const gone = once(client, 'disconnected');
    await client.close();
    assert.match(((await gone) as [WardenError])[0].message, /the client is closed/);
    await assert.rejects(client.call('ping', {}), /the client is closed/);
  });
});
