import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { MockServer, type MockServerOptions } from 'warden-client/testing';
import { NetOutProtocol, type RequestOf, type RequestType, Type, WardenError } from 'warden-protocol';
import { gate, Program } from '../test-program.js';

let server: MockServer;

async function start(options: MockServerOptions = {}): Promise<void> {
  server = await MockServer.listen(options);
}
afterEach(() => server[Symbol.asyncDispose]());

const warden = (...argv: string[]): ReturnType<Program['end']> => new Program(server.path, argv).end();

function requestsOf<T extends RequestType>(type: T): RequestOf<T>[] {
  return server.requests.filter((each) => each.type === type).map(({ request }) => request as RequestOf<T>);
}

describe('run', () => {
  it('makes a container, runs the command and leaves nothing with --rm', async () => {
    await start({ program: ({ args, write }) => {
      write(`${args.join('|')} `);
      write('e', 'stderr');
      return 7;
    } });
    assert.deepEqual(await warden('run', '--rm', '/srv/rootfs', 'ls', '-l', '--rm', '--'), { status: 7, stdout: 'ls|-l|--rm|-- ', stderr: 'e' });
    assert.equal(server.containers.size, 0);
    const [create] = requestsOf(Type.Create);
    assert.deepEqual([create?.rootfs, create?.graceTime, create?.handle], ['/srv/rootfs', 60, undefined]);
    const [spawn] = requestsOf(Type.Spawn);
    assert.deepEqual([spawn?.stdin, spawn?.tty, spawn?.privileged, spawn?.script], [undefined, undefined, undefined, '']);
  });

  it('leaves the container without --rm, and takes the job', async () => {
    await start();
    assert.deepEqual(await warden('run', '--name', 'mine', '--', 'true'), { status: 0, stdout: '', stderr: '' });
    assert.deepEqual([...server.containers.keys()], ['mine']);
    assert.equal(server.containers.get('mine')?.jobs.size, 0);
    assert.deepEqual([requestsOf(Type.Create)[0]?.rootfs, requestsOf(Type.Create)[0]?.graceTime], [undefined, 4294967295]);
  });

  it('passes every option on', async () => {
    await start();
    const { status, stderr } = await new Program(server.path, ['run', '--name', 'h', '-v', '/a:/b', '-v', '/c:/d:ro', '-p', '8080:80', '-p', '53/udp', '--net', 'all', '--net', '192.0.2.1:443', '--ip', '10.0.0.5', '-m', '256M', '--cpus', '0.5', '--cpu-shares', '512',
      '--cpuset-cpus', '0-1', '--disk', '1.5G', '--pids', '64', '--grace', '9', '--ttl', '3600', '-l', 'team=red=1', '--label', 'bare', '-e', 'A=b c', '-e', 'HERE', '-e', 'NOT_HERE', '-w', '/tmp', '-u', 'nobody', '--timeout', '2.5', '/x', '--', 'cmd'], { environment: { HERE: 'yes' } }).end();
    assert.deepEqual([status, stderr], [0, '']);
    const [create] = requestsOf(Type.Create);
    assert.deepEqual(create?.bindMounts, [{ srcPath: '/a', dstPath: '/b', mode: 1 }, { srcPath: '/c', dstPath: '/d', mode: 0 }]);
    assert.deepEqual([create?.network, create?.graceTime, create?.ttl], ['10.0.0.5', 9, 3600]);
    assert.deepEqual(create?.labels, [{ key: 'team', value: 'red=1' }, { key: 'bare', value: '' }]);
    const [spawn] = requestsOf(Type.Spawn);
    assert.deepEqual([spawn?.env, spawn?.cwd, spawn?.user, spawn?.timeoutMs, spawn?.args], [['A=b c', 'HERE=yes'], '/tmp', 'nobody', 2500n, ['cmd']]);
    assert.deepEqual(requestsOf(Type.NetIn).map(({ hostPort, containerPort, protocol }) => [hostPort, containerPort, protocol]), [[8080, 80, undefined], [undefined, 53, 1]]);
    assert.deepEqual(requestsOf(Type.NetOut).map(({ network, port, protocol }) => [network, port, protocol]), [['0.0.0.0/0', undefined, NetOutProtocol.ALL], ['192.0.2.1', 443, undefined]]);
    assert.deepEqual([requestsOf(Type.LimitMemory)[0]?.limitInBytes, requestsOf(Type.LimitDisk)[0]?.byteLimit], [256n << 20n, 3n << 29n]);
    assert.equal(requestsOf(Type.LimitPids)[0]?.limit, 64n);
    const [cpu] = requestsOf(Type.LimitCpu);
    assert.deepEqual([cpu?.limitInShares, cpu?.quotaInUs, cpu?.cpus], [512n, 50_000n, '0-1']);
  });

  it('is under the trace of whoever starts it, with every request', async () => {
    await start();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const run = new Program(server.path, ['run', '--rm', '-i', '-m', '1M', '-p', '80', '/x', 'cat'], { environment: { TRACEPARENT: traceparent }, input: 'x' });
    assert.equal((await run.end()).status, 0);
    assert.ok(server.requests.length >= 6);
    assert.deepEqual(server.requests.filter((request) => request.traceparent !== traceparent).map(({ type }) => Type[type]), []);
  });

  it('is root when told so', async () => {
    await start();
    for (const user of ['root', '0', '0:0']) assert.equal((await warden('run', '--rm', '-u', user, '/x', 'id')).status, 0);
    assert.deepEqual(requestsOf(Type.Spawn).map(({ privileged, user }) => [privileged, user]), Array.from({ length: 3 }, () => [true, undefined]));
  });

  for (const [what, program, status, stderr] of [
    ['a signal', ({ killed }: { killed: AbortSignal }) => once(killed, 'abort').then(() => 0), 137, ''],
    ['an ordinary 255', () => 255, 255, ''],
  ] as const) it(`has the exit status of ${what}`, async () => {
    await start({ program });
    const run = new Program(server.path, ['run', '--rm', '/x', 'ls']);
    if (status === 137) {
      while (requestsOf(Type.Stream).length === 0) await new Promise(setImmediate);
      for (const { jobs } of server.containers.values()) for (const job of jobs.values()) job.kill(9);
    }
    assert.deepEqual(await run.end(), { status, stdout: '', stderr });
  });

  it('has 124 when the time was over, and says so', async () => {
    await start({ program: ({ killed }) => once(killed, 'abort').then(() => 0) });
    const { status, stderr } = await warden('run', '--name', 'h', '--timeout', '0.01', '/x', 'sleep');
    assert.deepEqual([status, stderr], [124, 'warden: job 1 of h was killed, because its time was over\n']);
  });

  it('has 125 when nobody knows how the command ended', async () => {
    await start({ handlers: { [Type.Stream]: async function* () {
      yield { exitStatus: 255, lost: true };
    } } });
    assert.deepEqual(await warden('run', '--name', 'h', '/x', 'ls'), { status: 125, stdout: '', stderr: 'warden: nobody knows how job 1 of h ended: its container or the server did before\n' });
  });

  it('has 127, 126 and 125 for what could not be started, and leaves no container', async () => {
    const errors: [WardenError, number][] = [
      [new WardenError('not_found', 'execute program (nope): there is no such program in the container'), 127],
      [new WardenError('permission', 'execute program (/x): the job\'s user may not execute it'), 126],
      [new WardenError('not_found', 'find user (nobody): the container\'s /etc/passwd has no such user'), 125],
    ];
    await start({ handlers: { [Type.Spawn]: () => { throw errors[0]?.[0]; } } });
    for (const [error, status] of [...errors]) {
      assert.deepEqual(await warden('run', '/x', 'nope'), { status, stdout: '', stderr: `warden: ${error.message}\n` });
      assert.equal(server.containers.size, 0);
      errors.shift();
    }
  });

  it('has 125 when the container cannot be had, and leaves none', async () => {
    await start({ handlers: { [Type.LimitMemory]: () => { throw new WardenError('exhausted', 'no memory for that'); }, [Type.NetIn]: () => { throw new WardenError('exists', 'port 80 is taken'); } } });
    assert.deepEqual(await warden('run', '-m', '1G', '/x', 'ls'), { status: 125, stdout: '', stderr: 'warden: no memory for that\n' });
    assert.deepEqual(await warden('run', '-p', '80:80', '/x', 'ls'), { status: 125, stdout: '', stderr: 'warden: port 80 is taken\n' });
    assert.equal(server.containers.size, 0);
    for (const socket of ['/nope/x', 'x'.repeat(200)]) assert.equal((await new Program(server.path, ['run', '/x', 'ls'], { environment: { WARDEN_SOCKET: socket } }).end()).status, 125);
  });

  it('leaves the job in the background with -d', async () => {
    await start({ program: ({ killed }) => once(killed, 'abort').then(() => 0) });
    assert.deepEqual(await warden('run', '-d', '--name', 'h', '/x', 'sleep'), { status: 0, stdout: 'h\n', stderr: '' });
    assert.deepEqual(await warden('run', '-d', '--name', 'i', '-o', 'json', '/x', 'sleep'), { status: 0, stdout: '{\n  "handle": "i",\n  "job_id": 2\n}\n', stderr: '' });
    assert.deepEqual([...server.containers.values()].map(({ jobs }) => jobs.size), [1, 1]);
  });

  for (const [argv, message] of [
    [['run'], /^warden: usage: run \[OPTION…\] IMAGE\|ROOTFS/],
    [['run', '/x'], /^warden: which command\?/],
    [['run', '--nope', '/x', 'ls'], /^warden: unknown option --nope of run/],
    [['run', '-v', 'a:/b', '/x', 'ls'], /is no path: write \.\/a/],
    [['run', '-v', '/a:b', '/x', 'ls'], /DST is an absolute path/],
    [['run', '-v', '/a', '/x', 'ls'], /^warden: -v is SRC:DST/],
    [['run', '-p', '127.0.0.1:80:80', '/x', 'ls'], /^warden: -p is HOST:CONTAINER/],
    [['run', '-p', '80:99999', '/x', 'ls'], /from 1 to 65535/],
    [['run', '-m', 'lots', '/x', 'ls'], /^warden: --memory is a size such as/],
    [['run', '--cpus', '-1', '/x', 'ls'], /^warden: --cpus of run needs a value/],
    [['run', '--cpus=x', '/x', 'ls'], /^warden: --cpus is a number/],
    [['run', '--timeout', 'x', '/x', 'ls'], /^warden: --timeout is a number/],
    [['run', '--ttl', '0', '/x', 'ls'], /^warden: --ttl is a whole number from 1/],
    [['run', '--net', 'host', '/x', 'ls'], /^warden: --net host is not there/],
    [['run', '--pull', 'sometimes', '/x', 'ls'], /is one of missing, always, never/],
    [['run', '--rm', '-d', '/x', 'ls'], /^warden: --rm and -d do not go together/],
    [['run', '-o', 'json', '/x', 'ls'], /^warden: -o json is for -d/],
    [['run', '-it', '/x', 'sh'], /^warden: -it needs a terminal/],
  ] as const) it(`refuses ${argv.join(' ')}`, async () => {
    await start();
    const { status, stdout, stderr } = await warden(...argv);
    assert.deepEqual([status, stdout, server.containers.size], [125, '', 0]);
    assert.match(stderr, message);
    assert.match(stderr, /^[^\n]+\n$/);
  });
});

describe('the input of run', () => {
  const reverse = async ({ input, write }: { input: AsyncIterable<Uint8Array>; write(data: Uint8Array): void }): Promise<void> => {
    const all: Uint8Array[] = [];
    for await (const piece of input) all.push(piece);
    write(Buffer.concat(all).reverse());
  };

  it('is passed on with -i, whatever its bytes', async () => {
    await start({ program: reverse });
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) & 255));
    const run = new Program(server.path, ['run', '--rm', '-i', '/x', 'rev']);
    run.stdin.end(bytes);
    const { status, stdout, stderr } = await run.end();
    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(Buffer.from(stdout, 'latin1').equals(Buffer.from(bytes).reverse()));
    assert.equal(requestsOf(Type.Spawn)[0]?.stdin, true);
  });

  it('does not keep a job that has ended', async () => {
    await start({ program: () => 4 });
    assert.equal((await new Program(server.path, ['run', '--rm', '-i', '/x', 'true']).end()).status, 4);
  });

  it('is commands of bash without a command', async () => {
    await start({ program: reverse });
    const run = new Program(server.path, ['exec', '-i', 'h']);
    run.stdin.end('');
    assert.equal((await run.end()).status, 125);
    const other = new Program(server.path, ['run', '-i', '/x']);
    other.stdin.end('abc');
    assert.equal((await other.end()).stdout, 'cba');
    const [, spawn] = requestsOf(Type.Spawn);
    assert.deepEqual([spawn?.script, spawn?.args], ['', []]);
  });

  it('is not there in a session', async () => {
    await start();
    const { status, stderr } = await new Program(server.path, [], { input: 'run -i /x cat\n' }).end();
    assert.equal(status, 125);
    assert.match(stderr, /^warden: -i has nothing to read here/);
  });
});

describe('a terminal of run', () => {
  const echo = async ({ input, write }: { input: AsyncIterable<Uint8Array>; write(data: string | Uint8Array): void }): Promise<number> => {
    write('ready');
    for await (const piece of input) {
      write(piece);
      if (Buffer.from(piece).includes('!')) return 3;
    }
    return 0;
  };

  it('is raw while the job has it, and as large as ours', async () => {
    await start({ program: echo });
    const run = new Program(server.path, ['run', '--rm', '-it', '/x', 'sh'], { tty: true, environment: { TERM: 'xterm-256color' } });
    await run.shows('ready');
    assert.deepEqual(run.stdin.rawModes, [true]);
    assert.deepEqual(requestsOf(Type.Spawn)[0]?.tty, { rows: 30, columns: 100, term: 'xterm-256color' });
    Object.assign(run.stdout, { rows: 50 }).emit('resize');
    run.stdout.emit('resize');
    run.stdin.write('\x03\x10\x11!');
    await run.shows('\x03\x10\x11!');
    assert.deepEqual(await run.end(), { status: 3, stdout: 'ready\x03\x10\x11!', stderr: '' });
    assert.deepEqual(run.stdin.rawModes, [true, false]);
    assert.deepEqual(requestsOf(Type.Resize).map(({ rows, columns }) => [rows, columns]), [[50, 100]]);
  });

  it('is left by Ctrl-P Ctrl-Q without --rm, in however many pieces they come', async () => {
    await start({ program: echo });
    const run = new Program(server.path, ['run', '--name', 'h', '-it', '/x', 'sh'], { tty: true });
    await run.shows('ready');
    run.stdin.write('a\x10');
    await run.shows('readya');
    run.stdin.write('b\x10');
    await run.shows('\x10b');
    run.stdin.write('\x11c');
    const { status, stderr } = await run.end();
    assert.deepEqual([status, stderr], [0, '\nwarden: left job 1 of h, which goes on; warden attach h comes back to it\n']);
    assert.deepEqual(run.stdin.rawModes, [true, false]);
    assert.equal(requestsOf(Type.Input).some(({ close }) => close), false, 'its input goes on, too');
    assert.equal(server.containers.get('h')?.jobs.get(1)?.hasEnded, false);
  });
});

describe('a server that goes and comes', () => {
  it('does not end the input, unless something was on its way', async () => {
    const cat: MockServerOptions['program'] = async ({ input, write }) => {
      for await (const piece of input) write(piece);
    };
    await start({ program: cat });
    const run = new Program(server.path, ['run', '--rm', '-i', '/x', 'cat']);
    run.stdin.write('one');
    await run.shows('one');
    server.disconnectAll();
    // It has seen that when it asks for the output again.
    while (requestsOf(Type.Stream).length < 2) await new Promise(setImmediate);
    run.stdin.end('two');
    assert.deepEqual(await run.end(), { status: 0, stdout: 'onetwo', stderr: '' });
    await server[Symbol.asyncDispose]();

    await start({ program: cat, handlers: { [Type.Input]: (_request, { socket }) => {
      socket.destroy();
      return {};
    } } });
    const other = new Program(server.path, ['run', '--rm', '-i', '/x', 'cat']);
    other.stdin.write('one');
    const { status, stderr } = await other.end();
    assert.equal(status, 137);
    assert.match(stderr, /^warden: the command is killed, because its input was cut off: lost the connection/);
  });

  it('does not end a run, and no byte is written twice', async () => {
    const go = gate();
    await start({ program: async ({ write }) => {
      write('one');
      write('two');
      await go.promise;
      write('three');
      return 5;
    } });
    const run = new Program(server.path, ['run', '--rm', '/x', 'x']);
    await run.shows('two');
    server.disconnectAll();
    go.resolve();
    assert.deepEqual(await run.end(), { status: 5, stdout: 'onetwothree', stderr: '' });
  });
});
