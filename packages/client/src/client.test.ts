import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { encodeResponse, type ErrorCode, Type, WardenError } from 'warden-protocol';
import { WardenClient } from './client.js';
import { type FakeHandlers, FakeServer } from './testing/fake-server.js';

let server: FakeServer;
let client: WardenClient;

async function start(handlers: FakeHandlers = {}): Promise<void> {
  await client?.close();
  await server?.[Symbol.asyncDispose]();
  server = await FakeServer.listen(handlers);
  client = await WardenClient.connect({ path: server.path });
}

/** A promise and the function that resolves it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => { open = resolve; });
  return { opened, open };
}

function rejectsWith(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof WardenError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

beforeEach(() => start());
afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

describe('traceparent', () => {
  const [first, second] = ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'];
  const received = (): (string | undefined)[] => server.requests.map(({ traceparent }) => traceparent);

  it('goes with every request, streams too', async () => {
    await start({ [Type.Stream]: () => ({ exitStatus: 0 }) });
    await using traced = await WardenClient.connect({ path: server.path }, { traceparent: first });
    await traced.ping();
    await traced.stream({ handle: 'x', jobId: 1 }).result();
    await client.ping();
    assert.deepEqual(received(), [first, first, undefined]);
  });

  it('is that of the moment when a call is made', async () => {
    const current = new AsyncLocalStorage<string>();
    await using traced = new WardenClient({ path: server.path }, { traceparent: () => current.getStore() });
    await Promise.all([current.run(first, () => traced.ping()), current.run(second, () => traced.ping()), traced.ping()]);
    assert.deepEqual(received(), [first, second, undefined]);
  });

  it('that is none is refused, and its connection goes on', async () => {
    let traceparent: string | undefined = 'x';
    await using traced = await WardenClient.connect({ path: server.path }, { traceparent: () => traceparent });
    await rejectsWith(traced.ping(), 'invalid_argument', /invalid traceparent "x"/);
    traceparent = undefined;
    await traced.ping();
    assert.equal(server.connections, 2);
  });
});

describe('WardenClient', () => {
  it('sends what it is given and gives what it gets', async () => {
    await start({
      [Type.Create]: (request) => ({ handle: request.handle ?? 'generated' }),
      [Type.LimitMemory]: () => ({ limitInBytes: 9223372036854771712n }),
      [Type.Info]: () => ({ state: 'active', events: ['out of memory'], jobIds: [2n ** 64n - 1n] }),
      [Type.List]: () => ({ handles: ['a', 'b'] }),
      [Type.Echo]: ({ message }) => ({ message }),
      [Type.NetIn]: () => ({ hostPort: 61001, containerPort: 8080 }),
    });
    assert.deepEqual(await client.create(), { handle: 'generated' });
    assert.deepEqual(await client.create({ handle: '__proto__', bindMounts: [{ srcPath: '/a', dstPath: '/b', mode: 1 }] }), { handle: '__proto__' });
    assert.deepEqual(await client.limitMemory({ handle: 'x', limitInBytes: 2n ** 63n }), { limitInBytes: 9223372036854771712n });
    assert.deepEqual(await client.info({ handle: 'x' }), { state: 'active', events: ['out of memory'], jobIds: [18446744073709551615n], netOut: [], netIn: [], bindMounts: [], labels: [] });
    assert.deepEqual(await client.list(), { handles: ['a', 'b'], containers: [] });
    assert.deepEqual(await client.echo({ message: 'ünï\n' }), { message: 'ünï\n' });
    assert.deepEqual(await client.netIn({ handle: 'x' }), { hostPort: 61001, containerPort: 8080 });
    assert.deepEqual(await client.ping(), {});
    assert.deepEqual(server.requests[1], { type: Type.Create, request: { handle: '__proto__', bindMounts: [{ srcPath: '/a', dstPath: '/b', mode: 1 }], hooks: [], labels: [] } });
    assert.deepEqual(server.requests[2], { type: Type.LimitMemory, request: { handle: 'x', limitInBytes: 2n ** 63n } });
    assert.equal(server.connections, 1);
  });

  it('has a method for every type of request', async () => {
    const every = [client.create(), client.stop({ handle: 'x' }), client.destroy({ handle: 'x' }), client.info({ handle: 'x' }), client.spawn({ handle: 'x', script: '' }),
      client.link({ handle: 'x', jobId: 1 }), client.run({ handle: 'x', script: '' }), client.stream({ handle: 'x', jobId: 1 }).result(), client.netIn({ handle: 'x' }),
      client.netOut({ handle: 'x' }), client.copyIn({ handle: 'x', srcPath: 'a', dstPath: 'b' }), client.copyOut({ handle: 'x', srcPath: 'a', dstPath: 'b' }),
      client.limitMemory({ handle: 'x' }), client.limitDisk({ handle: 'x' }), client.limitBandwidth({ handle: 'x', rate: 1n, burst: 1n }), client.limitCpu({ handle: 'x' }),
      client.writeInput({ handle: 'x', jobId: 1, data: '' }), client.resize({ handle: 'x', jobId: 1, rows: 1, columns: 1 }), client.signal({ handle: 'x', jobId: 1, signal: 1 }),
      client.jobs({ handle: 'x' }), client.logs({ handle: 'x', jobId: 1 }).result()];
    for (const call of every) await rejectsWith(call, 'unsupported', /no handler for type/);
    await client.ping();
    assert.deepEqual(server.requests.map(({ type }) => type), [11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 41, 42, 51, 52, 53, 54, 1001, 1002, 1003, 1004, 1005, 91]);
  });

  it('keeps job output as bytes', async () => {
    const bytes = Buffer.from([0, 255, 254, 13, 10, 0xc3]);
    await start({ [Type.Run]: () => ({ exitStatus: 3, stdout: bytes, stderr: Buffer.alloc(300_000, 7) }), [Type.Link]: () => ({}) });
    const result = await client.run({ handle: 'x', script: 'true' });
    assert.deepEqual(Buffer.from(result.stdout), bytes);
    assert.equal(result.stderr.length, 300_000);
    assert.ok(result.stderr.every((byte) => byte === 7));
    assert.equal(result.exitStatus, 3);
    assert.deepEqual(await client.link({ handle: 'x', jobId: 1 }), { exitStatus: 255, stdout: new Uint8Array(0), stderr: new Uint8Array(0), info: undefined });
  });

  it('turns error replies into errors and keeps the connection', async () => {
    await start({ [Type.Info]: () => { throw new WardenError('not_found', 'unknown handle'); } });
    await rejectsWith(client.info({ handle: 'x' }), 'not_found', /^unknown handle$/);
    await client.ping();
    assert.equal(server.connections, 1);
  });

  it('pipelines, and gives every call its own reply', async () => {
    const first = gate();
    await start({ [Type.Echo]: async ({ message }) => {
      if (message === '0') await first.opened;
      return { message };
    } });
    const calls = Array.from({ length: 1000 }, (_, index) => client.echo({ message: String(index) }));
    first.open();
    assert.deepEqual((await Promise.all(calls)).map(({ message }) => Number(message)), Array.from({ length: 1000 }, (_, index) => index));
    assert.equal(server.connections, 1);
  });

  it('sends calls in the order they were made, with options or without', async () => {
    await start({ [Type.Echo]: ({ message }) => ({ message }) });
    await client.close();
    client = new WardenClient({ path: server.path });
    await Promise.all(Array.from({ length: 20 }, (_, index) => client.echo({ message: String(index) }, index % 3 === 0 ? { timeoutMs: 60_000 } : undefined)));
    assert.deepEqual(server.requests.map(({ request }) => Number((request as { message: string }).message)), Array.from({ length: 20 }, (_, index) => index));
  });

  it('does not let a call overtake those that wait for the connection', async () => {
    await start({ [Type.Echo]: ({ message }) => ({ message }) });
    const late: Promise<unknown>[] = [];
    await using fresh = new WardenClient({ path: server.path }, { onConnected: () => {
      late.push(fresh.echo({ message: '2' }));
      queueMicrotask(() => late.push(fresh.echo({ message: '3' })));
    } });
    await Promise.all([fresh.echo({ message: '0' }), fresh.echo({ message: '1' }, { timeoutMs: 60_000 })]);
    await Promise.all(late);
    await fresh.echo({ message: '4' });
    assert.deepEqual(server.requests.map(({ request }) => (request as { message: string }).message), ['0', '1', '2', '3', '4']);
  });

  it('keeps what it gave when further replies are read', async () => {
    await start({ [Type.Run]: ({ script }) => ({ exitStatus: 0, stdout: Buffer.from(script), info: { state: script } }) });
    const results = [];
    for (const size of [1, 10, 1000, 20_000, 300_000]) for (const letter of 'ab') results.push(await client.run({ handle: 'x', script: letter.repeat(size) }));
    for (const { stdout, info } of results) assert.equal(Buffer.from(stdout).toString(), info?.state);
    assert.deepEqual(results.map(({ stdout }) => stdout.length), [1, 1, 10, 10, 1000, 1000, 20_000, 20_000, 300_000, 300_000]);
  });

  it('refuses a request that cannot be encoded without sending anything', async () => {
    await rejectsWith(client.request(Type.Echo, {} as never), 'invalid_argument', /required field message is missing/);
    await rejectsWith(client.stream({ handle: 'x' } as never).result(), 'invalid_argument', /required field job_id is missing/);
    await rejectsWith(client.ping({ timeoutMs: 0 }), 'invalid_argument', /timeoutMs of ping/);
    await rejectsWith(client.ping({ timeoutMs: NaN }), 'invalid_argument', /timeoutMs of ping/);
    assert.equal(server.requests.length, 0);
  });
});

describe('a lost connection', () => {
  it('is made again by the next call', async () => {
    await client.ping();
    await server.stop();
    await rejectsWith(client.ping(), 'unavailable', /no warden server|lost the connection/);
    await server.start();
    await client.ping();
    assert.ok(client.connected);
    await server.stop();
    await server.start();
    await waitFor(() => !client.connected);
    await client.ping();
    assert.ok(client.connected);
  });

  it('fails the calls without a reply, and says so', async () => {
    await start({ [Type.Echo]: ({ message }, { socket }) => {
      socket.destroy();
      return { message };
    } });
    const calls = ['a', 'b', 'c'].map((message) => client.echo({ message }));
    for (const call of calls) await rejectsWith(call, 'unavailable', /lost the connection to the warden server at /);
    await client.ping();
    assert.equal(server.connections, 2);
  });

  it('fails its calls, and is made again, also when a listener of connections throws', async (context) => {
    await start({ [Type.Echo]: ({ message }, { socket }) => {
      socket.destroy();
      return { message };
    } });
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error, origin) => uncaught.push([error.message, origin]));
    const throws = (message: string) => (): void => { throw new Error(message); };
    await using noisy = new WardenClient({ path: server.path }, { onConnected: throws('connected'), onDisconnected: throws('disconnected') });
    context.after(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    });
    await noisy.ping();
    const lost = [noisy.echo({ message: 'a' }), noisy.ping()];
    for (const call of lost) await rejectsWith(call, 'unavailable', /lost the connection/);
    await noisy.ping();
    assert.deepEqual(uncaught, ['connected', 'disconnected', 'connected'].map((message) => [message, 'uncaughtException']));
  });

  it('that cannot be made is an error that says where', async () => {
    await rejectsWith(WardenClient.connect({ path: '/nonexistent/warden.sock' }), 'unavailable', /no warden server at \/nonexistent\/warden.sock: there is no such socket/);
    const { path } = server;
    await server.stop();
    await rejectsWith(WardenClient.connect({ path }), 'unavailable', /no warden server at/);
    await rejectsWith(WardenClient.connect({ host: '127.0.0.1', port: 1 }), 'unavailable', /127\.0\.0\.1:1/);
  });

  it('over TCP works the same', async () => {
    const forwarder = createServer((socket) => socket.pipe(connect(server.path)).pipe(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => forwarder.once('listening', resolve));
    const { port } = forwarder.address() as { port: number };
    const remote = await WardenClient.connect({ host: '127.0.0.1', port });
    assert.deepEqual(await remote.ping(), {});
    await remote.close();
    forwarder.close();
  });
});

describe('an address', () => {
  for (const address of [{ path: '' }, { path: 'x'.repeat(108) }, { path: 'a\0b' }, { host: 'localhost', port: 0 }, { host: 'localhost', port: 65536 }, { host: 'localhost', port: 1.5 }]) {
    it(`${JSON.stringify(address).slice(0, 40)} is refused`, () => {
      assert.throws(() => new WardenClient(address), (error) => error instanceof WardenError && error.code === 'invalid_argument');
    });
  }
});

describe('canceling', () => {
  const stuck = gate();
  const handlers: FakeHandlers = { [Type.Link]: async () => { await stuck.opened; return {}; } };

  it('rejects the call, closes the connection, and fails the others on it', async () => {
    await start(handlers);
    const controller = new AbortController();
    const link = client.link({ handle: 'x', jobId: 1 }, { signal: controller.signal });
    const other = client.ping();
    await waitFor(() => server.requests.length === 2);
    controller.abort(new Error('changed my mind'));
    await assert.rejects(link, (error) => error instanceof WardenError && error.code === 'canceled' && (error.cause as Error).message === 'changed my mind');
    await rejectsWith(other, 'unavailable', /closed because another call on it was given up/);
    await client.ping();
    assert.equal(server.connections, 2);
  });

  it('in the turn in which the call was made costs no connection, and sends nothing', async () => {
    await start({ [Type.Echo]: ({ message }) => ({ message }), [Type.Stream]: () => ({ exitStatus: 0 }) });
    const controller = new AbortController();
    const { signal } = controller;
    const before = client.echo({ message: 'before' });
    const given = client.echo({ message: 'given up' }, { signal });
    const stream = client.stream({ handle: 'x', jobId: 1 }, { signal });
    const behind = client.echo({ message: 'behind' });
    controller.abort();
    await rejectsWith(given, 'canceled', /echo was canceled/);
    await rejectsWith(stream.result(), 'canceled', /stream was canceled/);
    assert.deepEqual([await before, await behind], [{ message: 'before' }, { message: 'behind' }]);
    assert.deepEqual(server.requests.map(({ request }) => (request as { message?: string }).message), ['before', 'behind']);
    assert.equal(server.connections, 1);
  });

  it('before anything was sent sends nothing', async () => {
    await rejectsWith(client.ping({ signal: AbortSignal.abort() }), 'canceled', /ping was canceled/);
    await client.ping();
    assert.equal(server.requests.length, 1);
    assert.equal(server.connections, 1);
  });

  it('after the reply does nothing', async () => {
    const controller = new AbortController();
    await client.ping({ signal: controller.signal, timeoutMs: 60_000 });
    controller.abort();
    await client.ping();
    assert.equal(server.connections, 1);
  });

  it('happens by itself after timeoutMs', async () => {
    await start(handlers);
    await rejectsWith(client.link({ handle: 'x', jobId: 1 }, { timeoutMs: 20 }), 'timeout', /link had no answer within 20 ms/);
    await client.ping({ timeoutMs: 2 ** 40 });
    assert.equal(server.connections, 2);
  });

  it('while the connection is being made leaves it to the others', async () => {
    const silent = new WardenClient({ path: server.path });
    const controller = new AbortController();
    const canceled = silent.ping({ signal: controller.signal });
    const kept = silent.ping();
    controller.abort();
    await rejectsWith(canceled, 'canceled', /ping/);
    assert.deepEqual(await kept, {});
    await silent.close();
    assert.equal(server.requests.length, 1);
  });
});

describe('closing', () => {
  it('rejects what is under way and what comes later', async () => {
    await start({ [Type.Link]: () => new Promise(() => undefined) });
    const call = client.link({ handle: 'x', jobId: 1 });
    await waitFor(() => server.requests.length === 1);
    await Promise.all([client.close(), rejectsWith(call, 'unavailable', /the client is closed/)]);
    await rejectsWith(client.ping(), 'unavailable', /the client is closed/);
    await waitFor(() => server.open === 0);
    await client.close();
  });

  it('happens at the end of its scope', async () => {
    const scoped = await WardenClient.connect({ path: server.path });
    await waitFor(() => server.open === 2);
    await scoped[Symbol.asyncDispose]();
    await waitFor(() => server.open === 1);
  });
});

describe('a server that does not keep to the protocol', () => {
  for (const [what, bytes] of [['bytes that are no frame', 'HTTP/1.1 400 Bad Request\r\n'], ['a frame that is no message', '3\r\nabc\r\n'],
    ['a reply of another type', encodeResponse(Type.List, { handles: [] })], ['two replies to one request', Buffer.concat([encodeResponse(Type.Echo, { message: '' }), encodeResponse(Type.Echo, { message: '' })])]] as const) {
    it(`is cut off: ${what}`, async () => {
      await start({ [Type.Echo]: ({ message }, { socket }) => {
        socket.write(bytes);
        return { message };
      } });
      const calls = await Promise.allSettled([client.echo({ message: 'a' }), client.create()]);
      const failure = calls.find((call) => call.status === 'rejected') as PromiseRejectedResult;
      assert.match(String(failure.reason), /sent what is no reply/);
      assert.equal(failure.reason.code, 'protocol');
      await client.ping();
    });
  }

  it('is cut off when a reply is longer than allowed', async () => {
    await start({ [Type.Run]: () => ({ stdout: Buffer.alloc(2000) }) });
    const small = new WardenClient({ path: server.path }, { maxFrameLength: 1000 });
    await rejectsWith(small.run({ handle: 'x', script: '' }), 'protocol', /longer than the maximum of 1000/);
    await small.close();
  });
});

/** Polls by turns of the event loop, not by time. */
async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
