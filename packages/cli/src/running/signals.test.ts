import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, describe, it } from 'node:test';
import { WardenClient } from 'warden-client';
import { MockServer, type MockServerOptions } from 'warden-client/testing';
import { type RequestOf, type RequestType, Type, WardenError } from 'warden-protocol';
import { runCommand } from '../commands.js';
import { gate, Program } from '../test-program.js';

let server: MockServer;

async function start(options: MockServerOptions = {}): Promise<void> {
  server = await MockServer.listen(options);
}
afterEach(() => server[Symbol.asyncDispose]());

function requestsOf<T extends RequestType>(type: T): RequestOf<T>[] {
  return server.requests.filter((each) => each.type === type).map(({ request }) => request as RequestOf<T>);
}

describe('signals of run', () => {
  const waits = ({ killed, write }: { killed: AbortSignal; write(data: string): void }): Promise<number> => {
    write('ready');
    return once(killed, 'abort').then(() => 0);
  };

  it('are passed on to the job', async () => {
    for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1], ['SIGQUIT', 3], ['SIGUSR1', 10], ['SIGUSR2', 12]] as const) {
      await start({ program: waits });
      const run = new Program(server.path, ['run', '--rm', '/x', 'sleep']);
      await run.shows('ready');
      run.send(signal);
      assert.deepEqual(await run.end(), { status: 128 + number, stdout: 'ready', stderr: '' });
      assert.equal(server.containers.size, 0);
      await server[Symbol.asyncDispose]();
    }
    await start();
  });

  it('leave a job that does not listen at the third', async () => {
    await start({ program: waits, handlers: { [Type.Signal]: () => ({}) } });
    const run = new Program(server.path, ['run', '--name', 'h', '/x', 'sleep']);
    await run.shows('ready');
    for (let count = 0; count < 3; count++) run.send('SIGINT');
    const { status, stderr } = await run.end();
    assert.deepEqual([status, stderr], [130, 'warden: gave up job 1 of h, which goes on; warden attach h comes back to it\n']);
    assert.equal(server.containers.size, 1);
    const other = new Program(server.path, ['run', '--rm', '--name', 'i', '/x', 'sleep']);
    await other.shows('ready');
    for (let count = 0; count < 3; count++) other.send('SIGTERM');
    assert.deepEqual(await other.end(), { status: 143, stdout: 'ready', stderr: 'warden: gave up job 2 of i\n' });
    assert.equal(server.containers.size, 1);
  });

  it('of a prompt kill the job, because there is only one', async () => {
    await start({ program: waits });
    const controller = new AbortController();
    await using client = new WardenClient({ path: server.path });
    const stdout = new PassThrough();
    stdout.once('data', () => controller.abort());
    const status = runCommand(['run', '--rm', '/x', 'sleep'], { client, streams: { stdin: new PassThrough(), stdout, stderr: new PassThrough() }, signal: controller.signal });
    assert.equal(await status, 137);
    assert.equal(server.containers.size, 0);
  });

  it('before there is a job leave nothing', async () => {
    const held = gate();
    const asked = gate();
    await start({ handlers: { [Type.LimitMemory]: async () => {
      asked.resolve();
      await held.promise;
      return {};
    } } });
    const run = new Program(server.path, ['run', '-m', '1G', '/x', 'sleep']);
    await asked.promise;
    run.send('SIGTERM');
    held.resolve();
    assert.deepEqual(await run.end(), { status: 143, stdout: '', stderr: '' });
    assert.equal(server.containers.size, 0);
    assert.equal(requestsOf(Type.Spawn).length, 0);
  });

  it('are passed on when they come while the job is being started', async () => {
    const [held, asked, signalled] = [gate(), gate(), gate()];
    await start({ handlers: {
      [Type.Spawn]: async () => {
        asked.resolve();
        await held.promise;
        return { jobId: 7 };
      },
      [Type.Signal]: () => {
        signalled.resolve();
        return {};
      },
      [Type.Stream]: async function* () {
        await signalled.promise;
        yield { exitStatus: 255, signal: 15 };
      },
    } });
    const run = new Program(server.path, ['run', '--rm', '/x', 'sleep']);
    await asked.promise;
    run.send('SIGTERM');
    held.resolve();
    assert.deepEqual(await run.end(), { status: 143, stdout: '', stderr: '' });
    assert.deepEqual(requestsOf(Type.Signal).map(({ jobId, signal }) => [jobId, signal]), [[7, 15]]);
    assert.equal(server.containers.size, 0);
  });

  it('end the program at the third while the server is stuck: nobody listens then', async () => {
    const [held, asked] = [gate(), gate()];
    await start({ handlers: { [Type.Create]: async () => {
      asked.resolve();
      await held.promise;
      return { handle: 'h' };
    } } });
    const run = new Program(server.path, ['run', '/x', 'sleep']);
    await asked.promise;
    run.send('SIGINT');
    assert.equal(run.listening, true);
    run.send('SIGINT');
    assert.equal(run.listening, false);
    held.resolve();
    assert.equal((await run.end()).status, 130);
  });

  it('give up a fetch', async () => {
    const asked = gate();
    await start({ handlers: { [Type.ImageInspect]: () => { throw new WardenError('not_found', 'no such image'); }, [Type.RootfsList]: () => ({ rootfs: [] }), [Type.ImagePull]: () => {
      asked.resolve();
      return new Promise(() => undefined);
    } } });
    const run = new Program(server.path, ['run', 'example.com/app', 'sleep']);
    await asked.promise;
    run.send('SIGINT');
    assert.deepEqual(await run.end(), { status: 130, stdout: '', stderr: '' });
    assert.equal(requestsOf(Type.Create).length, 0);
  });
});
