import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, describe, it } from 'node:test';
import { Type, WardenError, type InputRequest } from 'warden-protocol';
import { type FakeHandlers, FakeServer } from 'warden-client/testing';
import { main } from './main.js';

let server: FakeServer;
let written: string[];
let ended: Promise<void>;

/** A job that ends when its input does, or when the test says so; `refuse` answers writes. */
async function start(refuse?: WardenError): Promise<() => void> {
  let end = (): void => undefined;
  ended = new Promise((resolve) => { end = resolve; });
  written = [];
  const handlers: FakeHandlers = {
    [Type.Spawn]: () => ({ jobId: 3 }),
    [Type.Input]: ({ data, close }: InputRequest) => {
      if (refuse !== undefined) throw refuse;
      written.push(Buffer.from(data ?? []).toString());
      if (close === true) end();
      return {};
    },
    [Type.Stream]: async function* () {
      await ended;
      yield { name: 'stdout', data: Buffer.from('out'), exitStatus: 5 };
    },
  };
  server = await FakeServer.listen(handlers);
  return end;
}

afterEach(() => server[Symbol.asyncDispose]());

async function warden(argv: readonly string[], stdin: Readable): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const status = await main(argv, { stdin, stdout, stderr }, { WARDEN_SOCKET: server.path });
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

const run = ['--', 'run', '--handle', 'x', '--stdin', '--args', 'cat'];

describe('run with open input', () => {
  it('gets what standard input holds, and its end', async () => {
    await start();
    assert.deepEqual(await warden(run, Readable.from([Buffer.from('one '), Buffer.from('two')])), { status: 5, stdout: 'out', stderr: '' });
    assert.deepEqual(written, ['one ', 'two', '']);
    assert.equal(server.connections, 2);
  });

  it('does not wait for input when the job has ended, or takes no more', async () => {
    const end = await start(new WardenError('wrong_state', 'job 3 reads no input any more'));
    const idle = new PassThrough();
    const outcome = warden(run, idle);
    while (!server.requests.some(({ type }) => type === Type.Stream)) await new Promise((resolve) => setImmediate(resolve));
    idle.write('x');
    while (!server.requests.some(({ type }) => type === Type.Input)) await new Promise((resolve) => setImmediate(resolve));
    end();
    assert.deepEqual(await outcome, { status: 5, stdout: 'out', stderr: '' });

    await server[Symbol.asyncDispose]();
    (await start())();
    assert.equal((await warden(run, new PassThrough())).status, 5);
  });

  it('says what else went wrong with it', async () => {
    const end = await start(new WardenError('internal', 'no luck'));
    const outcome = warden(run, Readable.from([Buffer.from('x')]));
    while (!server.requests.some(({ type }) => type === Type.Input)) await new Promise((resolve) => setImmediate(resolve));
    end();
    assert.deepEqual(await outcome, { status: 5, stdout: 'out', stderr: 'no luck\n' });
  });

  it('leaves standard input alone when that holds commands, or nobody asked for it', async () => {
    const end = await start();
    end();
    assert.equal((await warden([], Readable.from([Buffer.from('run --handle x --stdin --args cat\n')]))).status, 5);
    assert.equal((await warden(['--', 'run', '--handle', 'x', '--args', 'cat'], Readable.from([Buffer.from('text')]))).status, 5);
    assert.deepEqual(written, []);
  });
});
