import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { MockServer, type MockProgram, type MockServerOptions } from 'warden-client/testing';
import { Type, WardenError } from 'warden-protocol';
import { gate, Program } from '../test-program.js';

let server: MockServer;

async function start(options: MockServerOptions = {}): Promise<void> {
  server = await MockServer.listen(options);
}
afterEach(() => server[Symbol.asyncDispose]());

const warden = (...argv: string[]): ReturnType<Program['end']> => new Program(server.path, argv).end();
const handles = (): string[] => [...server.containers.keys()];

/** Runs until it is killed; writes what it reads. */
const waits: MockProgram = async ({ args, input, killed, write }) => {
  write(`${args.join(' ')} ready`);
  const over = once(killed, 'abort');
  for await (const piece of input) write(piece);
  await over;
};

describe('exec', () => {
  it('runs a command in a container, and has its exit status', async () => {
    await start({ program: ({ args, write }) => {
      write(args.join('|'));
      return 9;
    } });
    await warden('create', '--name', 'h');
    for (const argv of [['exec', 'h', 'ls', '-la'], ['exec', 'h', '--', 'ls', '-la'], ['exec', '--', 'h', 'ls', '-la']]) assert.deepEqual(await warden(...argv), { status: 9, stdout: 'ls|-la', stderr: '' });
    assert.deepEqual(await warden('exec', 'none', 'ls'), { status: 125, stdout: '', stderr: 'warden: unknown handle\n' });
    assert.match((await warden('exec', 'h')).stderr, /^warden: which command\?/);
    assert.match((await warden('exec')).stderr, /^warden: usage: exec/);
    assert.equal(server.containers.get('h')?.jobs.size, 0);
  });

  it('leaves the job in the background with -d', async () => {
    await start({ program: waits });
    await warden('create', '--name', 'h');
    assert.deepEqual(await warden('exec', '-d', 'h', 'sleep'), { status: 0, stdout: '1\n', stderr: '' });
    assert.deepEqual(await warden('exec', '-d', '-o', 'json', 'h', 'sleep'), { status: 0, stdout: '{\n  "handle": "h",\n  "job_id": 2\n}\n', stderr: '' });
  });
});

describe('create', () => {
  it('prints the handle, and fails with 1', async () => {
    await start();
    assert.deepEqual(await warden('create', '--name', 'a\x1bb', '-m', '1M', '/x'), { status: 0, stdout: 'a\\x1bb\n', stderr: '' });
    assert.deepEqual(await warden('create', '--name', 'b', '-o', 'json'), { status: 0, stdout: '{\n  "handle": "b"\n}\n', stderr: '' });
    assert.deepEqual(await warden('create', '--name', 'b'), { status: 1, stdout: '', stderr: 'warden: container with handle: b already exists\n' });
    assert.deepEqual(await warden('create', '--handle', 'c'), { status: 0, stdout: 'handle : c\n', stderr: '' }, 'a request answers as a request');
    assert.equal((await warden('create', '/x', '/y')).status, 1);
  });
});

describe('an interrupt of what cannot be given up', () => {
  it('leaves the second one to end the program', async () => {
    const [asked, held] = [gate(), gate()];
    await start({ handlers: { [Type.Create]: async () => {
      asked.resolve();
      await held.promise;
      return { handle: 'h' };
    } } });
    const create = new Program(server.path, ['create', '/x']);
    await asked.promise;
    assert.equal(create.listening, true);
    create.send('SIGINT');
    assert.equal(create.listening, false);
    held.resolve();
    await create.end();
  });
});

describe('stop, kill and rm', () => {
  it('do it to each, and to the others when one fails', async () => {
    await start({ program: waits });
    for (const name of ['a', 'b', 'c']) await warden('run', '-d', '--name', name, '/x', 'sleep');
    assert.deepEqual(await warden('stop', 'a', 'none', 'b'), { status: 1, stdout: 'a\nb\n', stderr: 'warden: none: unknown handle\n' });
    assert.deepEqual([...server.containers.values()].map(({ state }) => state), ['stopped', 'stopped', 'active']);
    assert.deepEqual(await warden('stop', '-k', '-o', 'json', 'c'), { status: 0, stdout: '[\n  {\n    "handle": "c"\n  }\n]\n', stderr: '' });
    assert.deepEqual(server.requests.filter(({ type }) => type === Type.Stop).map(({ request }) => (request as { kill?: boolean }).kill), [false, false, false, true]);
    assert.deepEqual(await warden('rm', 'a', 'b', 'c'), { status: 0, stdout: 'a\nb\nc\n', stderr: '' });
    assert.deepEqual(handles(), []);
  });

  it('kill ends everything, or sends the jobs a signal', async () => {
    await start({ program: waits });
    await warden('run', '-d', '--name', 'a', '/x', 'sleep');
    await warden('exec', '-d', 'a', 'sleep');
    assert.deepEqual(await warden('kill', '-s', 'usr1', 'a'), { status: 0, stdout: 'a\n', stderr: '' });
    assert.deepEqual([...server.containers.get('a')?.jobs.values() ?? []].map(({ ending }) => ending?.signal), [10, 10]);
    assert.equal(server.containers.get('a')?.state, 'active');
    assert.equal((await warden('kill', 'a')).status, 0);
    assert.equal(server.containers.get('a')?.state, 'stopped');
    assert.match((await warden('kill', '-s', 'NOPE', 'a')).stderr, /^warden: there is no signal "NOPE"/);
    assert.equal((await warden('kill', '--signal=15', 'a')).status, 0);
  });

  it('rm refuses a container whose jobs run, unless forced', async () => {
    await start({ program: waits });
    await warden('run', '-d', '--name', 'a', '/x', 'sleep');
    assert.deepEqual(await warden('rm', 'a'), { status: 1, stdout: '', stderr: 'warden: a: a job runs in it; stop it first, or rm -f\n' });
    assert.deepEqual(await warden('rm', '-f', 'a', 'none'), { status: 0, stdout: 'a\nnone\n', stderr: '' });
    assert.equal((await warden('rm', 'none')).status, 1);
    assert.deepEqual(handles(), []);
  });

  it('rm of a path is the command for files', async () => {
    await start();
    await warden('create', '--name', 'h', '/x');
    server.containers.get('h')?.files.write('/x/y', 'z');
    assert.match((await warden('rm', 'h:/x')).stderr, /not empty/);
    assert.equal((await warden('rm', '-r', 'h:/x')).stderr, '');
    assert.equal(server.containers.get('h')?.files.find('/x'), undefined);
    assert.match((await warden('rm', '-x', 'h:/x')).stderr, /^usage: rm \[-r\]/);
  });
});

describe('attach', () => {
  it('shows what comes, takes input, and leaves the job', async () => {
    await start({ program: waits });
    await warden('run', '-d', '-i', '--name', 'a', '/x', 'one');
    await warden('exec', '-d', '-i', 'a', 'two');
    const attach = new Program(server.path, ['attach', 'a']);
    attach.stdin.write('typed');
    await attach.shows('typed');
    attach.send('SIGINT');
    assert.deepEqual(await attach.end(), { status: 130, stdout: 'typed', stderr: '' });
    assert.deepEqual([...server.containers.get('a')?.jobs.keys() ?? []], [1, 2], 'its output can be read again');
    assert.deepEqual(await warden('attach', '-a', 'a', '2'), { status: 130, stdout: 'two readytyped', stderr: '' });
    const one = new Program(server.path, ['attach', '--all', '--no-stdin', 'a']);
    await one.shows('one ready');
    one.send('SIGTERM');
    assert.equal((await one.end()).status, 143);
    assert.equal(server.requests.filter(({ type }) => type === Type.Input).length > 0, true);
    assert.match((await warden('attach', 'a')).stderr, /^warden: no job runs in a; warden jobs a lists those that have ended/);
    assert.match((await warden('attach', 'a', '77')).stderr, /^warden: a has no job 77/);
    assert.equal((await warden('attach', 'a', 'x')).status, 125);
  });

  it('takes the terminal of a job that has one', async () => {
    await start({ program: waits });
    await warden('run', '-d', '-t', '--name', 'a', '/x', 'sh');
    const attach = new Program(server.path, ['attach', 'a'], { tty: true });
    attach.stdin.write('x');
    await attach.shows('x');
    attach.stdin.write('\x10\x11');
    assert.equal((await attach.end()).status, 0);
    assert.deepEqual(attach.stdin.rawModes, [true, false]);
  });

  it('leaves the terminal alone when the job has none', async () => {
    await start({ program: waits, handlers: { [Type.Input]: () => { throw new WardenError('wrong_state', 'job 1 takes no input'); } } });
    await warden('run', '-d', '--name', 'a', '/x', 'sh');
    const attach = new Program(server.path, ['attach', '-a', 'a'], { tty: true });
    await attach.shows('ready');
    attach.send('SIGINT');
    assert.deepEqual([(await attach.end()).status, attach.stdin.rawModes], [130, []]);
  });
});

describe('wait', () => {
  it('prints exit statuses when the jobs have ended, and leaves them', async () => {
    await start({ program: async ({ args: [status], killed }) => {
      if (status !== 'wait') return Number(status);
      await once(killed, 'abort');
      return 0;
    } });
    await warden('create', '--name', 'a');
    assert.match((await warden('wait', 'a')).stderr, /^warden: a has no job to wait for/);
    for (const command of ['3', 'wait', '0']) await warden('exec', '-d', 'a', command);
    const wait = new Program(server.path, ['wait', 'a']);
    await wait.shows('3\n');
    await warden('kill', '-s', 'TERM', 'a');
    assert.deepEqual(await wait.end(), { status: 0, stdout: '3\n143\n0\n', stderr: '' });
    assert.equal((await warden('wait', 'a', '3', '1')).stdout, '0\n3\n');
    assert.deepEqual(JSON.parse((await warden('wait', '-o', 'json', 'a', '2')).stdout), [{ job_id: 2, exit_status: 143, signal: 15 }]);
    assert.equal((await warden('wait', 'a', '9')).status, 1);
  });

  it('is given up at an interrupt', async () => {
    await start({ program: waits });
    await warden('run', '-d', '--name', 'a', '/x', 'sleep');
    const wait = new Program(server.path, ['wait', 'a']);
    while (!server.requests.some(({ type }) => type === Type.Logs)) await new Promise(setImmediate);
    wait.send('SIGINT');
    assert.deepEqual(await wait.end(), { status: 130, stdout: '', stderr: '' });
    assert.equal(server.containers.get('a')?.jobs.get(1)?.hasEnded, false);
  });
});

describe('the image of run', () => {
  const config = JSON.stringify({ config: { Entrypoint: ['/entry'], Cmd: ['default', 'words'] } });
  const image = { id: 'sha256:abc', names: ['example.com/app:v1'] };

  function withImages(present: readonly string[]): MockServerOptions {
    const there = new Set(present);
    return {
      program: ({ args }) => ({ stdout: args.join(' ') }),
      handlers: {
        [Type.RootfsList]: () => ({ rootfs: [{ name: 'base', path: '/srv/base' }] }),
        [Type.ImageInspect]: ({ name }) => {
          if (!there.has(name)) throw new WardenError('not_found', `no image ${name}`);
          return { image, config };
        },
        [Type.ImagePull]: async function* ({ reference }) {
          if (!reference.includes('/')) throw new WardenError('invalid_argument', 'no default registry');
          yield { progress: { item: 'sha256:1', step: 'downloading', doneBytes: 1n, totalBytes: 2n, layers: 1 } };
          yield { progress: { item: 'sha256:1', step: 'done', layers: 1 } };
          there.add(image.id);
          yield { image, manifestDigest: 'sha256:m' };
        },
      },
    };
  }
  const rootfs = (): (string | undefined)[] => [...server.containers.values()].map(({ request }) => request.rootfs);

  it('may be a path, a named root file system, or an image that is there', async () => {
    await start(withImages(['app']));
    for (const base of ['/srv/x', 'base', 'app', 'image:app', 'docker://app']) assert.equal((await warden('run', base, '--', 'ls')).status, 0);
    assert.deepEqual(rootfs(), ['/srv/x', 'base', 'image:app', 'image:app', 'image:app']);
    assert.equal((await warden('run', './here', 'ls')).status, 0);
    assert.equal(rootfs().at(-1), `${process.cwd()}/here`);
  });

  it('brings its own command, and what begins it', async () => {
    await start(withImages(['app']));
    assert.equal((await warden('run', 'app')).stdout, '/entry default words');
    assert.equal((await warden('run', 'app', 'mine')).stdout, '/entry mine');
    assert.equal((await warden('run', '--entrypoint', '/other', 'app', 'mine')).stdout, '/other mine');
    assert.equal((await warden('run', '--entrypoint=', 'app', 'mine')).stdout, 'mine');
  });

  it('is fetched when it is missing, with what is done so far', async () => {
    await start(withImages([]));
    const { status, stdout, stderr } = await warden('run', 'example.com/app:v1', 'ls');
    assert.deepEqual([status, stdout], [0, '/entry ls']);
    assert.match(stderr, /1 of 1 layers/);
    assert.deepEqual(rootfs(), ['image:example.com/app:v1']);
  });

  it('is fetched always or never when told so', async () => {
    await start(withImages(['example.com/app:v1']));
    assert.equal((await warden('run', '--pull', 'never', 'example.com/app:v1', 'ls')).status, 0);
    assert.equal(server.requests.some(({ type }) => type === Type.ImagePull), false);
    assert.equal((await warden('run', '--pull=always', 'example.com/app:v1', 'ls')).status, 0);
    assert.equal(server.requests.some(({ type }) => type === Type.ImagePull), true);
    const { status, stderr } = await warden('run', '--pull=never', 'example.com/other', 'ls');
    assert.deepEqual([status, stderr], [125, 'warden: there is no image and no root file system named "example.com/other"; warden image ls and warden rootfs ls list what is there\n']);
    assert.match((await warden('run', 'other', 'ls')).stderr, /named "other", and it cannot be fetched: no default registry; warden image ls/);
    assert.equal((await warden('create', '--name', 'c', 'other')).status, 1);
  });

  it('may have a configuration that makes no sense', async () => {
    for (const odd of ['null', '{}', '{"config":3}', '{"config":{"Cmd":"x","Entrypoint":[1]}}']) {
      await start({ handlers: { [Type.RootfsList]: () => ({ rootfs: [] }), [Type.ImageInspect]: () => ({ image, config: odd }) } });
      assert.match((await warden('run', 'app')).stderr, /^warden: which command\?/);
      await server[Symbol.asyncDispose]();
    }
    await start();
  });
});
