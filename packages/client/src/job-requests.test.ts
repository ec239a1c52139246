import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Type, WardenError, type InputRequest } from 'warden-protocol';
import { WardenClient } from './client.js';
import { type FakeHandlers, FakeServer } from './testing/fake-server.js';

let server: FakeServer;
let client: WardenClient;

async function start(handlers: FakeHandlers): Promise<void> {
  await client?.close();
  await server?.[Symbol.asyncDispose]();
  server = await FakeServer.listen(handlers);
  client = await WardenClient.connect({ path: server.path });
}

beforeEach(() => start({ [Type.Spawn]: () => ({ jobId: 7 }), [Type.Run]: () => ({ exitStatus: 0 }), [Type.Input]: () => ({}) }));
afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

const job = { handle: 'x', jobId: 7 };
const isCode = (code: string) => (error: unknown): boolean => error instanceof WardenError && error.code === code;

describe('a job to start', () => {
  it('may be an argument vector, with all that the protocol has for it', async () => {
    await client.spawn({ handle: 'x', args: ['ls', '-l'], env: { A: '1', B: 'x=y' }, cwd: '/tmp', stdin: true, tty: { rows: 24, columns: 80, term: 'linux' }, timeoutMs: 1500, user: 'daemon' });
    await client.run({ handle: 'x', script: 'true', env: ['A=1'], timeoutMs: 2n ** 64n - 1n });
    assert.deepEqual(server.requests.map(({ request }) => request), [
      { handle: 'x', script: '', args: ['ls', '-l'], env: ['A=1', 'B=x=y'], cwd: '/tmp', stdin: true, tty: { rows: 24, columns: 80, term: 'linux' }, timeoutMs: 1500n, user: 'daemon' },
      { handle: 'x', script: 'true', args: [], env: ['A=1'], timeoutMs: 2n ** 64n - 1n },
    ]);
  });

  it('needs a script only where nothing else says what to run', async () => {
    for (const own of [{ stdin: true }, { tty: { rows: 1, columns: 1 } }, { args: ['x'] }]) await client.spawn({ handle: 'x', ...own });
    for (const none of [{}, { args: [] }, { stdin: false }]) {
      await assert.rejects(client.spawn({ handle: 'x', ...none }), (error) => isCode('invalid_argument')(error) && /required field script is missing/.test(String(error)));
    }
    for (const timeoutMs of [1.5, -1, NaN, Infinity, 2 ** 60]) await assert.rejects(client.run({ handle: 'x', script: '', timeoutMs }), isCode('invalid_argument'));
    assert.equal(server.requests.length, 3);
  });

  it('that was killed tells by what', async () => {
    await start({ [Type.Run]: () => ({ exitStatus: 255, signal: 9, timedOut: true }), [Type.Stream]: () => ({ exitStatus: 255, lost: true }) });
    const { exitStatus, signal, timedOut, lost } = await client.run({ handle: 'x', script: '' });
    assert.deepEqual([exitStatus, signal, timedOut, lost], [255, 9, true, undefined]);
    assert.deepEqual(await client.stream(job).result(), { exitStatus: 255, info: undefined, lost: true });
  });
});

describe('input', () => {
  it('of any size goes out in order, in pieces, and ends when it is said to', async () => {
    const data = Buffer.alloc(1_000_000, '0123456789abcdef');
    await client.writeInput({ ...job, data, close: true });
    await client.writeInput({ ...job, data: 'ü' });
    await client.writeInput({ ...job, data: '' });
    await client.closeInput(job);
    const inputs = server.requests.map(({ request }) => request as InputRequest);
    assert.ok(inputs.every(({ data: piece }) => (piece?.length ?? 0) <= 1024 * 1024));
    assert.ok(Buffer.concat(inputs.slice(0, 4).map((input) => input.data ?? new Uint8Array())).equals(data));
    assert.deepEqual(inputs.map(({ close }) => close === true), [false, false, false, true, false, false, true]);
    assert.deepEqual(inputs.slice(4).map((input) => input.data && Buffer.from(input.data).toString()), ['ü', '', undefined]);
  });

  it('that fails stops there', async () => {
    await start({ [Type.Input]: () => { throw new WardenError('wrong_state', 'job 7 reads no input any more'); } });
    await assert.rejects(client.writeInput({ ...job, data: Buffer.alloc(3_000_000) }), isCode('wrong_state'));
    assert.equal(server.requests.length, 1);
  });
});

describe('logs', () => {
  it('give pieces with their positions, and then how far they went', async () => {
    await start({ [Type.Logs]: async function* () {
      yield { name: 'stdout', data: Buffer.from('out'), position: 5n };
      yield { name: 'stderr', data: Buffer.from('err'), position: 8n };
      yield { last: true, position: 11n };
    } });
    const logs = client.logs({ ...job, sinceByte: 5 });
    const seen: unknown[] = [];
    for await (const { name, data, position } of logs) seen.push([name, Buffer.from(data).toString(), position]);
    assert.deepEqual(seen, [['stdout', 'out', 5n], ['stderr', 'err', 8n]]);
    assert.deepEqual(await logs.result(), { position: 11n, exitStatus: undefined });
    assert.deepEqual(server.requests[0]?.request, { ...job, sinceByte: 5n });
    await client.ping();
    assert.equal(server.connections, 1);
  });

  it('that are followed tell how the job ended', async () => {
    await start({ [Type.Logs]: () => ({ last: true, position: 2n ** 40n, exitStatus: 255, signal: 15 }) });
    assert.deepEqual(await client.logs({ ...job, sinceByte: 2n ** 40n, follow: true }).result(), { position: 2n ** 40n, exitStatus: 255, signal: 15 });
    assert.deepEqual(server.requests[0]?.request, { ...job, sinceByte: 2n ** 40n, follow: true });
  });

  it('can be given up, and fail with the server\'s error', async () => {
    await start({ [Type.Logs]: async function* ({ jobId }) {
      if (jobId === 404) throw new WardenError('not_found', 'no such job');
      for (;;) yield { name: 'stdout', data: Buffer.from('y\n'), position: 0n };
    } });
    await assert.rejects(client.logs({ ...job, jobId: 404 }).result(), isCode('not_found'));
    await assert.rejects(client.logs({ ...job, sinceByte: -1 }).result(), isCode('invalid_argument'));
    for await (const _ of client.logs({ ...job, follow: true })) break;
    await client.ping();
    assert.equal(server.connections, 2);
  });
});
