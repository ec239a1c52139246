import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type ErrorCode, Type, WardenError } from 'warden-protocol';
import { MockServer, type MockServerOptions } from '../testing/mock-server.js';
import { Box, RunError, type RunResult, Warden } from '../index.js';

let server: MockServer;
let warden: Warden;

async function start(options: MockServerOptions = {}): Promise<void> {
  server = await MockServer.listen(options);
  warden = new Warden(server.path);
}

afterEach(async () => {
  await warden.close();
  await server[Symbol.asyncDispose]();
});

function rejectsWith(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => error instanceof WardenError && error.code === code && message.test(error.message));
}

async function all<Element>(elements: AsyncIterable<Element>): Promise<Element[]> {
  const found: Element[] = [];
  for await (const element of elements) found.push(element);
  return found;
}

/** Turns of the event loop, not time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

describe('processes', () => {
  it('are told with their commands', async () => {
    await start({ program: ({ killed }) => new Promise((resolve) => { killed.addEventListener('abort', () => resolve(0)); }) });
    await using box = await warden.create({ handle: 'h' });
    await box.spawn(['/usr/bin/sleep', '10 00', '']);
    const [init, sleep] = await box.processes();
    assert.deepEqual([init?.pid, init?.command, sleep?.name, sleep?.command, sleep?.parentPid], [1, ['wshd: h'], 'sleep', ['/usr/bin/sleep', '10 00', ''], 1]);
    await box.stop();
    assert.deepEqual(await box.processes(), []);
  });
});

describe('every call that waits', () => {
  it('can be given up, and has a time', async () => {
    await start({ program: ({ killed }) => new Promise((resolve) => { killed.addEventListener('abort', () => resolve(0)); }), handlers: { [Type.Input]: () => new Promise(() => undefined) } });
    await using box = await warden.create({ handle: 'h' });
    const job = await box.spawn('sleep', { stdin: true });
    for (const wait of [() => job.wait({ timeoutMs: 20 }), () => all(job.output({ timeoutMs: 20 })), () => all(job.lines({ timeoutMs: 20 })), () => job.stdin.write('x', { timeoutMs: 20 }), () => job.result({ timeoutMs: 20 }),
      () => box.waitFor({ log: 'x', job, timeoutMs: 20 })]) await rejectsWith(wait(), 'timeout', /./);
    for (const wait of [(signal: AbortSignal) => job.wait({ signal }), (signal: AbortSignal) => all(job.output({ signal })), (signal: AbortSignal) => job.stdin.write('x', { signal }), (signal: AbortSignal) => box.run('x', { signal }),
      (signal: AbortSignal) => box.waitFor({ log: 'x', job, signal }), (signal: AbortSignal) => box.info({ signal }), (signal: AbortSignal) => box.files.list('.', { signal }), (signal: AbortSignal) => warden.boxes({ signal }),
      (signal: AbortSignal) => warden.create({}, { signal }), (signal: AbortSignal) => warden.get('h', { signal })]) await rejectsWith(wait(AbortSignal.abort()), 'canceled', /./);
    assert.equal((await job.info()).state, 'running', 'the job goes on');
    await job.kill();
    assert.equal((await job.exit).signal, 15);
  });

  it('events() has one, too, until the server listens', async () => {
    await start({ handlers: { [Type.Events]: () => new Promise(() => undefined) } });
    await rejectsWith(warden.events({ timeoutMs: 20 }), 'timeout', /events had no answer within 20 ms/);
    await until(() => server.open === 0);
  });
});

describe('Warden', () => {
  it('lists boxes by their labels, with what a table shows, and learns when the time of one is over', async () => {
    await start();
    await using red = await warden.create({ handle: 'red', labels: { team: 'red', ci: '' }, ttlSeconds: 60 });
    await using blue = await warden.create({ handle: 'blue', labels: { team: 'blue', ['__proto__']: 'x' }, network: { expose: [80] } });
    assert.deepEqual(await warden.list({ labels: { team: true } }), ['red', 'blue']);
    assert.deepEqual(await warden.list({ labels: { team: 'red', ci: true } }), ['red']);
    assert.deepEqual(await warden.list({ labels: { team: '' }, timeoutMs: 1000 }), []);
    const [first, second] = await warden.boxes();
    assert.deepEqual([first?.labels['team'], first?.ttlLeftMs !== undefined && first.ttlLeftMs <= 60_000, first?.created instanceof Date, first?.runningJobs], ['red', true, true, 0]);
    assert.deepEqual([second?.labels['__proto__'], second?.exposed[0]?.containerPort, second?.ttlLeftMs, second?.labels['constructor']], ['x', 80, undefined, undefined]);
    assert.deepEqual((await warden.boxes({ labels: { nothing: true } })), []);
    await using events = await warden.events({ handle: 'red' });
    server.expire(red.handle);
    const told: string[] = [];
    for await (const event of events) {
      told.push(event.kind === 'event' ? event.event : event.kind);
      if (event.kind === 'destroyed') break;
    }
    assert.deepEqual(told, ['ttl is over', 'stopped', 'destroyed']);
    assert.deepEqual(await warden.list(), [blue.handle]);
  });

  it('makes a box with all that was asked for', async () => {
    await start();
    const box = await warden.create({
      handle: 'h', rootfs: 'docker://r', graceTimeSeconds: 300, ttlSeconds: 3600, labels: { team: 'red', ['__proto__']: 'x' }, pull: 'always', registryAuth: { username: 'u', password: 'p' },
      hooks: [{ point: 'child_after_pivot', program: 'prepare', args: ['--x'], timeoutMs: 500 }, { point: 'parent_before_clone', program: 'check' }],
      mounts: [{ source: '/a', target: '/b' }, { source: '/c', target: '/d', writable: true }],
      limits: { memoryBytes: 64 * 1024 * 1024, diskBytes: 1024, inodes: 10, cpuShares: 512, processors: 0.5, cpuList: '0', processes: 50, bandwidth: { bytesPerSecond: 1000, burstBytes: 2000 } },
      network: { address: '10.0.0.4', allow: ['10.0.0.0/8', 'example.com:443', { port: 53, protocol: 'udp' }], expose: [80] },
    });
    assert.equal(box.handle, 'h');
    const container = server.containers.get('h');
    assert.deepEqual(container?.request, {
      handle: 'h', rootfs: 'docker://r', graceTime: 300, ttl: 3600, labels: [{ key: 'team', value: 'red' }, { key: '__proto__', value: 'x' }], network: '10.0.0.4', pull: 1, registryAuth: { username: 'u', password: 'p' },
      hooks: [{ point: 3, program: 'prepare', args: ['--x'], timeoutMs: 500n }, { point: 0, program: 'check', args: [] }], bindMounts: [{ srcPath: '/a', dstPath: '/b', mode: 0 }, { srcPath: '/c', dstPath: '/d', mode: 1 }],
    });
    assert.deepEqual(container?.netOut, [{ network: '10.0.0.0/8', protocol: 0 }, { domain: 'example.com', port: 443, protocol: 0 }, { port: 53, protocol: 1 }]);
    assert.deepEqual(await box.limits(), { memoryBytes: 67108864n, diskBytes: 1024n, inodes: 10n, cpuShares: 512, processors: 0.5, cpuList: '0', processes: 50n });
    assert.deepEqual(container?.bandwidth, { rate: 1000n, burst: 2000n });
    const [port] = await box.network.exposed();
    assert.equal(port?.containerPort, 80);
    await box.network.unexpose(port ?? { hostPort: 0 });
    assert.deepEqual(await box.network.exposed(), []);
    await box.network.disallow('example.com:443');
    await rejectsWith(box.network.disallow('example.com:443'), 'not_found', /no such rule/);
    assert.equal((await box.network.rules()).length, 2);
    await box.destroy();
    assert.deepEqual(await warden.list(), []);
  });

  it('leaves no box when a limit or a rule cannot be had', async () => {
    await start({ handlers: { [Type.LimitDisk]: () => { throw new WardenError('unsupported', 'no disk limits here'); } } });
    await rejectsWith(warden.create({ limits: { diskBytes: 1024, memoryBytes: 4096 } }), 'unsupported', /no disk limits here/);
    await rejectsWith(warden.create({ network: { allow: ['what is this'] } }), 'invalid_argument', /what a box may reach is/);
    assert.deepEqual(await warden.list(), []);
    await until(() => server.open === 1);
  });

  it('disposes of a box that it made, and only lets go of one that it got', async () => {
    await start();
    const made = await warden.create({ handle: 'h' });
    const got = await warden.get('h');
    await got[Symbol.asyncDispose]();
    assert.deepEqual(await warden.list(), ['h']);
    await made[Symbol.asyncDispose]();
    await made[Symbol.asyncDispose]();
    assert.deepEqual(await warden.list(), []);
    await rejectsWith(warden.get('h'), 'not_found', /unknown handle/);
    const released = (await warden.create()).release();
    await released[Symbol.asyncDispose]();
    assert.deepEqual(await warden.list(), [released.handle]);
    const gone = await warden.create();
    await warden.client.destroy({ handle: gone.handle });
    await gone[Symbol.asyncDispose]();
    await until(() => server.open === 1);
  });
});

describe('events', () => {
  it('tell what happens from the moment they are asked for', async () => {
    await start({ program: ({ script, killed }) => script === 'wait' ? new Promise((resolve) => killed.addEventListener('abort', () => resolve(0))) : 4 });
    await (await warden.create({ handle: 'earlier' })).release()[Symbol.asyncDispose]();
    const events = await warden.events();
    const box = await warden.create({ handle: 'h' });
    await box.run('x');
    server.happen('h', 'out of memory');
    await box.spawn('wait');
    await box.destroy();
    const seen: unknown[] = [];
    for await (const { time, ...event } of events) {
      assert.ok(time.getTime() > 1_700_000_000_000);
      seen.push(event);
      if (seen.length === 8) break;
    }
    const handle = 'h';
    assert.deepEqual(seen, [{ kind: 'created', handle }, { kind: 'job_started', handle, jobId: 1 }, { kind: 'job_ended', handle, jobId: 1, exitStatus: 4 },
      { kind: 'event', handle, event: 'out of memory' }, { kind: 'job_started', handle, jobId: 2 }, { kind: 'stopped', handle }, { kind: 'destroyed', handle },
      { kind: 'job_ended', handle, jobId: 2, exitStatus: 255, signal: 9 }]);
    await until(() => server.open === 0);
  });

  it('are of one box when that is wanted, and end with their signal or their server', async () => {
    await start();
    await rejectsWith(warden.events({ handle: 'h' }), 'not_found', /unknown handle/);
    await warden.client.create({ handle: 'h' });
    const controller = new AbortController();
    const [canceled, broken] = [await warden.events({ handle: 'h', signal: controller.signal }), await warden.events()];
    await warden.client.create({ handle: 'other' });
    await warden.client.stop({ handle: 'h' });
    const seen: string[] = [];
    await rejectsWith((async () => {
      for await (const { kind } of canceled) {
        seen.push(kind);
        controller.abort();
      }
    })(), 'canceled', /events was canceled/);
    assert.deepEqual(seen, ['stopped']);
    server.disconnectAll();
    await rejectsWith(all(broken), 'unavailable', /lost the connection/);
    await rejectsWith(warden.events({ signal: AbortSignal.abort() }), 'canceled', /events/);
    await until(() => server.open === 0);
  });

  it('that nobody reads are counted', async () => {
    await start();
    await warden.client.create({ handle: 'h' });
    const events = await warden.events();
    for (let count = 0; count < 10_050; count++) server.happen('h', String(count));
    await warden.client.destroy({ handle: 'h' });
    let seen = 0;
    for await (const event of events) {
      seen += 1 + (event.missed ?? 0);
      if (seen === 10_000) server.happen('h', 'last');
      if (event.kind === 'event' && event.event === 'last') break;
    }
    assert.equal(seen, 10_053);
  });
});

describe('a box', () => {
  let box: Box;
  const startWith = async (options: MockServerOptions): Promise<void> => {
    await start(options);
    box = await warden.create();
  };
  afterEach(() => box[Symbol.asyncDispose]());

  it('runs scripts and argument vectors', async () => {
    await startWith({ program: ({ script, args, env, cwd }) => ({ exitStatus: 3, stdout: `${script}|${args.join()}|${env.join()}|${cwd}\n`, stderr: Buffer.from([0xff]) }) });
    const result = await box.run(['node', 'x.js'], { cwd: '/tmp', env: { A: '1' } });
    assert.deepEqual([result.exitStatus, result.ok, result.stdout, `${result}`, result.stderr, [...result.stderrBytes]], [3, false, '|node,x.js|A=1|/tmp\n', '|node,x.js|A=1|/tmp', '\ufffd', [255]]);
    assert.equal((await box.run('ls')).stdout, 'ls|||undefined\n');
    await rejectsWith(box.run([]), 'invalid_argument', /this list is empty/);
  });

  it('checks what it runs when told to', async () => {
    await startWith({ program: ({ script, killed }) => script === 'sleep' ? new Promise((resolve) => killed.addEventListener('abort', () => resolve(0))) : { exitStatus: Number(script), stderr: 'one\ntwo\n' } });
    await assert.rejects(box.run('4', { check: true }), (error) => error instanceof RunError && error.code === 'failed' && error.result.exitStatus === 4 && error.message === '"4" ended with status 4: two');
    assert.equal((await box.run('0', { check: true })).ok, true);
    await assert.rejects(box.run('sleep', { check: true, timeoutMs: 1 }), (error) => error instanceof RunError && error.code === 'timeout' && error.result.timedOut === true && /its time was over/.test(error.message));
  });

  it('feeds what it runs', async () => {
    await startWith({ program: async ({ input, write }) => {
      for await (const data of input) write(data);
    } });
    assert.equal((await box.run('cat', { stdin: 'ünï' })).stdout, 'ünï');
    assert.equal((await box.run('cat', { stdin: Buffer.alloc(700_000, 97) })).stdout.length, 700_000);
    async function* pieces(): AsyncGenerator<string> {
      yield 'a';
      yield 'b';
    }
    assert.equal((await box.run('cat', { stdin: pieces() })).stdout, 'ab');
    assert.equal((await box.run('cat', { stdin: '' })).stdout, '');
  });

  it('is told that an input failed, and the job that reads it ends', async () => {
    await startWith({ program: async ({ input }) => {
      for await (const _ of input);
    } });
    async function* broken(): AsyncGenerator<string> {
      yield 'a';
      throw new Error('disk on fire');
    }
    await assert.rejects(box.run('cat', { stdin: broken() }), /^Error: disk on fire$/);
    assert.deepEqual((await box.info()).jobIds, []);
  });

  it('kills what is canceled, and keeps its connections', async () => {
    await startWith({ program: ({ killed }) => new Promise((resolve) => killed.addEventListener('abort', () => resolve(0))) });
    const controller = new AbortController();
    const run = box.run('sleep', { signal: controller.signal });
    await until(() => server.requests.some(({ type }) => type === Type.Link));
    const { open } = server;
    controller.abort(new Error('enough'));
    await assert.rejects(run, (error) => error instanceof WardenError && error.code === 'canceled' && (error.cause as Error).message === 'enough');
    assert.deepEqual((await box.info()).jobIds, []);
    assert.ok(server.open >= open);
    await rejectsWith(box.run('sleep', { signal: AbortSignal.abort() }), 'canceled', /run was canceled/);
  });

  it('runs side by side', async () => {
    let running = 0;
    let open = (): void => undefined;
    const everybody = new Promise<void>((resolve) => { open = resolve; });
    await startWith({ program: async () => {
      if (++running === 20) open();
      await everybody;
    } });
    await Promise.all(Array.from({ length: 20 }, () => box.run('x')));
    await until(() => server.open <= 6);
  });

  it('gives output as it comes, whole characters, lines, and from anywhere', async () => {
    const bytes = Buffer.from('größe\nzwei');
    await startWith({ program: ({ write }) => {
      for (const byte of bytes) write(Buffer.of(byte));
      write('e\n', 'stderr');
      return 7;
    } });
    const job = await box.spawn('x');
    const seen: Uint8Array[] = [];
    for await (const { stream, data } of job.output()) if (stream === 'stdout') seen.push(data);
    assert.ok(Buffer.concat(seen).equals(bytes));
    assert.deepEqual((await all(job.text())).filter(({ stream }) => stream === 'stdout').map(({ text }) => text), [...'größe\nzwei']);
    assert.deepEqual(await all(job.lines()), [{ stream: 'stdout', line: 'größe' }, { stream: 'stderr', line: 'e' }, { stream: 'stdout', line: 'zwei' }]);
    assert.deepEqual(await job.exit, { exitStatus: 7 });
    assert.equal((await all(job.output({ sinceByte: bytes.length })))[0]?.position, BigInt(bytes.length));
    assert.equal((await job.info()).state, 'ended');
    assert.equal((await job.result()).stdout, 'größe\nzwei');
    await rejectsWith(job.info(), 'not_found', /no such job/);
    await rejectsWith(job.result(), 'not_found', /no such job/);
  });

  it('leaves a job alone whose output is not read any more', async () => {
    await startWith({ program: async ({ write, input }) => {
      write('first\n');
      for await (const data of input) write(data);
      return 2;
    } });
    const job = await box.spawn('x', { stdin: true });
    for await (const { line } of job.lines()) {
      assert.equal(line, 'first');
      break;
    }
    await job.stdin.write('second');
    await job.stdin.end('!');
    await rejectsWith(job.stdin.write('late'), 'wrong_state', /the input of job 1 was ended/);
    assert.deepEqual(await job.exit, { exitStatus: 2 });
    assert.equal((await job.result()).stdout, 'first\nsecond!');
  });

  it('ends a reading that is canceled, and signals jobs', async () => {
    await startWith({ program: ({ killed }) => new Promise((resolve) => killed.addEventListener('abort', () => resolve(0))) });
    const job = await box.spawn('x');
    const controller = new AbortController();
    const reading = all(job.output({ signal: controller.signal }));
    await until(() => server.requests.some(({ type }) => type === Type.Logs));
    controller.abort();
    await rejectsWith(reading, 'canceled', /logs was canceled/);
    assert.deepEqual((await box.jobs()).map(({ id }) => id), [job.id]);
    await rejectsWith(job.kill('SIGFOO' as 'TERM'), 'invalid_argument', /there is no signal "SIGFOO"/);
    await job.kill('SIGUSR1');
    assert.deepEqual(await job.exit, { exitStatus: 255, signal: 10 });
  });

  it('waits for a line', async () => {
    await startWith({ program: async ({ write, input }) => {
      write('starting\n');
      for await (const data of input) write(data);
    } });
    await rejectsWith(box.waitFor({ log: 'x' }), 'invalid_argument', /needs a job/);
    const job = await box.spawn('x', { stdin: true });
    const wait = box.waitFor({ log: /listening on (\d+)/g });
    await job.stdin.write('listening ');
    await job.stdin.write('on 80\n');
    assert.equal(await wait, 'listening on 80');
    await rejectsWith(box.waitFor({ log: 'never', timeoutMs: 20 }), 'timeout', /no line with never from job 1/);
    await job.stdin.end();
    await rejectsWith(box.waitFor({ log: 'never', job }), 'wrong_state', /ended without a line/);
  });

  it('waits for a port by a job of its own', async () => {
    let looks = 0;
    await startWith({ program: ({ args }) => {
      looks++;
      assert.deepEqual(args.slice(3), ['wait-for-port', '1F90', '5000000']);
      return looks === 1 ? 0 : looks === 2 ? 3 : { exitStatus: 127, stderr: 'no bash' };
    } });
    await box.waitFor({ port: 8080, timeoutMs: 5000 });
    await rejectsWith(box.waitFor({ port: 8080, timeoutMs: 5000 }), 'timeout', /nothing listened on port 8080/);
    await rejectsWith(box.waitFor({ port: 8080, timeoutMs: 5000 }), 'internal', /no bash/);
    await rejectsWith(box.waitFor({ port: 0 }), 'invalid_argument', /from 1 to 65535/);
  });

  it('is stopped, and says what is wrong then', async () => {
    await startWith({});
    await box.stop({ kill: true });
    assert.equal((await box.info()).state, 'stopped');
    await rejectsWith(box.run('x'), 'wrong_state', /current state is 'stopped'/);
  });

  it('takes a template', async () => {
    await startWith({ program: ({ args, cwd }) => ({ exitStatus: cwd === '/no' ? 1 : 0, stdout: JSON.stringify(args) }) });
    const ran = async (result: Promise<RunResult>): Promise<unknown> => JSON.parse((await result).stdout);
    assert.deepEqual(await ran(box.$`ls ${'a b; rm -rf /'} ${7}`), ['/bin/bash', '-c', 'ls "${1}" "${2}"', 'bash', 'a b; rm -rf /', '7']);
    await assert.rejects(box.$({ cwd: '/no' })`ls`, (error) => error instanceof RunError && error.result.exitStatus === 1);
    assert.equal((await box.$({ cwd: '/no', check: false })`ls`).exitStatus, 1);
    await rejectsWith(box.$`ls '${'x'}'`, 'invalid_argument', /stands in single quotes/);
  });
});
