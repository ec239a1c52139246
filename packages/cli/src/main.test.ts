import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { type FakeHandlers, FakeServer } from 'warden-client/testing';
import { main } from './main.js';

let server: FakeServer;

async function start(handlers: FakeHandlers): Promise<void> {
  await server?.[Symbol.asyncDispose]();
  server = await FakeServer.listen({ [Type.Create]: (request) => ({ handle: request.handle ?? '17sd5s9j2ag' }), [Type.Echo]: ({ message }) => ({ message }), ...handlers });
}

beforeEach(() => start({}));
afterEach(() => server[Symbol.asyncDispose]());

interface Outcome { status: number; stdout: string; stderr: string }

async function warden(argv: readonly string[], input: string | Readable = '', environment: Record<string, string> = { WARDEN_SOCKET: server.path }): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough({ highWaterMark: 1 << 26 }), new PassThrough()];
  const status = await main(argv, { stdin: typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input, stdout, stderr }, environment);
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString('latin1') ?? '';
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

/** Handlers of a job with that output and status. */
function job(output: [('stdout' | 'stderr'), string][], exitStatus: number): FakeHandlers {
  return {
    [Type.Spawn]: () => ({ jobId: 3 }),
    [Type.Stream]: async function* () {
      for (const [name, data] of output) yield { name, data: Buffer.from(data, 'latin1') };
      yield { exitStatus };
    },
  };
}

describe('warden -- COMMAND', () => {
  it('prints the answer', async () => {
    assert.deepEqual(await warden(['--', 'ping']), { status: 0, stdout: 'pong\n', stderr: '' });
    assert.deepEqual(await warden(['--', 'create', '--handle', 'a b']), { status: 0, stdout: 'handle : a b\n', stderr: '' });
    assert.deepEqual(await warden(['echo', '--message', '--']), { status: 0, stdout: 'message : --\n', stderr: '' });
    while (server.open > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('has the exit status of the job, and its output on the right streams, byte for byte', async () => {
    await start(job([['stdout', 'o\xff\0'], ['stderr', 'e\n'], ['stdout', 'no newline']], 42));
    assert.deepEqual(await warden(['--', 'run', '--handle', 'x', '--script', 'a\nb']), { status: 42, stdout: 'o\xff\0no newline', stderr: 'e\n' });
    assert.deepEqual(server.requests.map(({ type, request }) => [type, request]), [[Type.Spawn, { handle: 'x', script: 'a\nb', env: [], args: [] }], [Type.Stream, { handle: 'x', jobId: 3 }]]);
    assert.equal((await warden(['--', 'stream', '--handle', 'x', '--job_id', '3'])).status, 42);
    await start({ ...job([], 255), [Type.Link]: () => ({ exitStatus: 9, stdout: Buffer.from('x\n') }) });
    assert.equal((await warden(['--', 'run', '--handle', 'x', '--script', ''])).status, 255);
    assert.deepEqual(await warden(['--', 'link', '--handle', 'x', '--job_id', '1']), { status: 9, stdout: 'exit_status : 9\nstdout : x\n', stderr: '' });
  });

  it('fails with 1 and one sentence', async () => {
    await start({ [Type.Info]: () => { throw new WardenError('not_found', 'unknown\n  handle \x1b[31m'); } });
    assert.deepEqual(await warden(['--', 'info', '--handle', 'x']), { status: 1, stdout: '', stderr: 'unknown; handle \\x1b[31m\n' });
    assert.deepEqual(await warden(['--', 'nope']), { status: 1, stdout: '', stderr: 'unknown command "nope"; help lists the commands\n' });
    assert.match((await warden(['--', 'info'])).stderr, /^InfoRequest: the required field handle is missing\n$/);
    assert.deepEqual(await warden(['--', 'ping'], '', { WARDEN_SOCKET: '/nope/x' }), { status: 1, stdout: '', stderr: 'no warden server at /nope/x: there is no such socket; is wardend running?\n' });
    assert.deepEqual(await warden(['--', '__proto__']), { status: 1, stdout: '', stderr: 'unknown command "__proto__"; help lists the commands\n' });
  });

  it('of a request fails with 1 when the address is none, though a subcommand has its name', async () => {
    assert.equal((await warden(['--', 'run', '--handle', 'x', '--script', 'y'], '', { WARDEN_SOCKET: 'tcp:nowhere' })).status, 1);
    assert.equal((await warden(['run', 'app', 'ls'], '', { WARDEN_SOCKET: 'tcp:nowhere' })).status, 125);
  });

  it('shows help without a server', async () => {
    assert.match((await warden(['--', 'create', '--help'], '', {})).stdout, /^create: make a container\nusage: create/);
    assert.match((await warden(['--help'], '', {})).stdout, /^usage: warden/);
    assert.match((await warden(['help'], '', {})).stdout, /^ {2}run /m);
    assert.match((await warden(['help', 'stop'], '', {})).stdout, /^stop: /);
    assert.equal((await warden(['help', 'nope'], '', {})).status, 1);
  });
});

describe('the command line', () => {
  it('takes the socket from --socket, before the environment', async () => {
    for (const argv of [['--socket', server.path], [`--socket=${server.path}`]]) {
      assert.equal((await warden([...argv, '--', 'ping'], '', { WARDEN_SOCKET: '/nope/x' })).stdout, 'pong\n');
    }
  });

  for (const argv of [['--nope'], ['-x'], ['--'], ['--socket'], ['--socket='], ['--socket', 'x'.repeat(108), 'ping']]) {
    it(`refuses ${argv.join(' ').slice(0, 30)}`, async () => {
      const { status, stdout, stderr } = await warden(argv);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /^warden: [^\n]+\n$/);
    });
  }

  it('hands local commands what follows their name', async () => {
    const { status, stdout } = await warden(['rootfs', '--help'], '', { WARDEN_SOCKET: '/nope/x' });
    assert.equal(status, 0);
    assert.match(stdout, /warden rootfs build/);
  });
});

describe('piped commands', () => {
  it('run one by one, with the status of the last', async () => {
    await start(job([['stdout', 'out\n']], 7));
    assert.deepEqual(await warden([], 'create --handle demo\n\n# comment\nrun --handle demo --script "one\ntwo"\nping'),
      { status: 0, stdout: 'handle : demo\nout\npong\n', stderr: '' });
    assert.deepEqual(server.requests.map(({ type }) => type), [Type.Create, Type.Spawn, Type.Stream, Type.Ping]);
    assert.deepEqual(server.requests[1]?.request, { handle: 'demo', script: 'one\ntwo', env: [], args: [] });
    assert.equal((await warden([], 'ping\nrun --handle demo --script x\n')).status, 7);
    assert.equal((await warden([], 'nope\nping\n')).status, 0);
    assert.equal((await warden([], '')).status, 0);
  });

  it('stop at the first failure with --exit_on_error', async () => {
    assert.deepEqual(await warden(['--exit_on_error'], 'ping\nnope\nping\n'), { status: 1, stdout: 'pong\n', stderr: 'unknown command "nope"; help lists the commands\n' });
    assert.equal((await warden(['--exit_on_error'], 'ping\nping\n')).stdout, 'pong\npong\n');
  });

  it('are echoed behind a + with --trace', async () => {
    assert.equal((await warden(['--trace'], 'ping\necho  --message "a\nb"\n')).stdout, '+ ping\npong\n+ echo  --message "a\nb"\nmessage : a\nb\n');
    assert.equal((await warden(['--trace', '--', 'echo', '--message', 'a b'])).stdout, '+ echo --message \'a b\'\nmessage : a b\n');
  });

  it('end at exit and quit, with the status so far', async () => {
    assert.deepEqual(await warden([], 'ping\nexit\nping\n'), { status: 0, stdout: 'pong\n', stderr: '' });
    assert.equal((await warden([], 'nope\nquit\nping\n')).status, 1);
  });

  it('run as they come, not when the input has ended', async () => {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const ended = main([], { stdin, stdout, stderr: new PassThrough() }, { WARDEN_SOCKET: server.path });
    for (const text of ['ping\n', 'echo --mess', 'age \u00fc\n']) stdin.write(text);
    let seen = '';
    while (!seen.endsWith('message : ü\n')) {
      const [chunk] = await once(stdout, 'data') as [Buffer];
      seen += chunk.toString();
    }
    stdin.end('nope\n');
    assert.equal(await ended, 1);
  });

  it('survive a lost connection', async () => {
    await start({ [Type.List]: (_request, { socket }) => {
      socket.destroy();
      return { handles: [] };
    } });
    const { status, stdout, stderr } = await warden([], 'ping\nlist\nping\n');
    assert.deepEqual([status, stdout], [0, 'pong\npong\n']);
    assert.match(stderr, /^lost the connection to the warden server at [^\n]+\n$/);
    assert.equal(server.connections, 2);
  });

  it('that end inside quotes are an error', async () => {
    assert.deepEqual(await warden([], 'ping\necho --message "a\n'), { status: 1, stdout: 'pong\n', stderr: 'the input ends inside a command: " without what belongs behind it\n' });
  });

  it('take a script of many lines and characters of several bytes cut anywhere', async () => {
    const script = `${'echo "ünï ✓"\n'.repeat(2000)}exit 0\n`;
    await start(job([], 0));
    const bytes = Buffer.from(`run --handle x --script '${script}'\n`);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) => bytes.subarray(index * 1000, (index + 1) * 1000));
    assert.equal((await warden([], Readable.from(pieces))).status, 0);
    assert.deepEqual(server.requests[0]?.request, { handle: 'x', script, env: [], args: [] });
  });

  it('keep megabytes of output whole', async () => {
    const chunk = Buffer.alloc(256 * 1024, '0123456789abcde\n');
    await start({ [Type.Spawn]: () => ({ jobId: 3 }), [Type.Stream]: async function* () {
      for (let count = 0; count < 40; count++) yield { name: 'stdout', data: chunk };
      yield { exitStatus: 0 };
    } });
    const { stdout } = await warden(['--', 'run', '--handle', 'x', '--script', '']);
    assert.equal(stdout.length, 40 * chunk.length);
    assert.ok(Buffer.from(stdout, 'latin1').equals(Buffer.concat(Array.from({ length: 40 }, () => chunk))));
  });
});
