import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, describe, it } from 'node:test';
import { Type, WardenError, type RequestOf } from 'warden-protocol';
import { WardenClient } from 'warden-client';
import { type FakeHandlers, FakeServer } from 'warden-client/testing';
import { runCommand } from './commands.js';
import { complete } from './completion/prompt.js';
import { commandHelp } from './help.js';
import { jobsTable } from './job-commands.js';
import { main } from './main.js';

let server: FakeServer | undefined;

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function start(handlers: FakeHandlers): Promise<FakeServer> {
  server = await FakeServer.listen(handlers);
  return server;
}

async function warden(argv: readonly string[], input = ''): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const status = await main(argv, { stdin: Readable.from([Buffer.from(input)]), stdout, stderr }, { WARDEN_SOCKET: server?.path ?? '' });
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString('latin1') ?? '';
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

const startMs = 1_764_104_703_900n;
const running = { id: 7, state: 'running', command: 'sleep 60', startedMs: startMs, outputBytes: 0n, pid: 12 };
const ended = { id: 12, state: 'ended', command: 'make \u001b[31m\nx', startedMs: startMs, endedMs: startMs + 1_540n, outputBytes: 2n ** 33n, exitStatus: 3 };

describe('the table of jobs', () => {
  it('has a line for each, whatever is known of it', () => {
    const jobs = [running, ended, { ...ended, id: 13, exitStatus: 255, signal: 11, endedMs: startMs + 125_000n }, { ...ended, id: 14, exitStatus: 255, signal: 9, timedOut: true, endedMs: startMs + 7_260_000n },
      { id: 15, state: 'ended', exitStatus: 255, lost: true }, { ...ended, id: 4_294_967_295, endedMs: startMs + 266_400_000n, exitStatus: 0, command: '' }];
    assert.equal(jobsTable(jobs, Number(startMs) + 59_999), [
      '        ID  STATE    STARTED               DURATION  EXIT           OUTPUT  COMMAND',
      '         7  running  2025-11-25T21:05:03Z     59.9s  -                   0  sleep 60',
      '        12  ended    2025-11-25T21:05:03Z      1.5s  3          8589934592  make \\x1b[31m x',
      '        13  ended    2025-11-25T21:05:03Z     2m05s  signal 11  8589934592  make \\x1b[31m x',
      '        14  ended    2025-11-25T21:05:03Z     2h01m  timed out  8589934592  make \\x1b[31m x',
      '        15  ended    -                            -  lost                -  -',
      '4294967295  ended    2025-11-25T21:05:03Z     3d02h  0          8589934592',
      '',
    ].join('\n'));
  });

  it('is a line of headings when there are none, and never counts backwards', () => {
    assert.equal(jobsTable([], 0), 'ID  STATE  STARTED  DURATION  EXIT  OUTPUT  COMMAND\n');
    assert.match(jobsTable([running], 0), / 0\.0s /);
    assert.match(jobsTable([{ ...running, startedMs: 2n ** 64n - 1n }], 0), /running {2}- /);
  });
});

describe('jobs HANDLE', () => {
  it('prints the table, alone and among piped commands; with --handle it prints fields', async () => {
    const { requests } = await start({ [Type.Jobs]: () => ({ jobs: [ended] }) });
    for (const { status, stdout, stderr } of [await warden(['jobs', 'demo']), await warden(['--', 'jobs', 'demo']), await warden([], 'jobs demo\n')]) {
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^ID {2}STATE .*\n12 {2}ended .* 1\.5s {2}3 /);
    }
    const fields = await warden(['jobs', '--handle', 'demo']);
    assert.match(fields.stdout, /^jobs\[0\]\.id : 12\njobs\[0\]\.state : ended\n/);
    assert.deepEqual(requests.map(({ request }) => request), Array.from({ length: 4 }, () => ({ handle: 'demo' })));
  });

  it('says how it is used, and what the server has against it', async () => {
    await start({ [Type.Jobs]: () => { throw new WardenError('not_found', 'unknown handle'); } });
    for (const words of [['jobs'], ['jobs', 'a', 'b'], ['jobs', '-x']]) assert.deepEqual(await warden(words), { status: 1, stdout: '', stderr: 'usage: jobs HANDLE\n' });
    assert.deepEqual(await warden(['jobs', 'nope']), { status: 1, stdout: '', stderr: 'unknown handle\n' });
  });
});

describe('logs HANDLE JOB', () => {
  const output: FakeHandlers = { [Type.Logs]: async function* () {
    yield { name: 'stdout', data: Buffer.from('o\xff\0', 'latin1'), position: 0n };
    yield { name: 'stderr', data: Buffer.from('e\n'), position: 3n };
    yield { last: true, position: 5n, exitStatus: 42 };
  } };

  it('passes output on byte for byte, with status 0 whatever the job\'s was', async () => {
    const { requests } = await start(output);
    for (const words of [['logs', 'demo', '3'], ['--', 'logs', 'demo', '3'], ['logs', '--handle', 'demo', '--job_id', '3']]) {
      assert.deepEqual(await warden(words), { status: 0, stdout: 'o\xff\0', stderr: 'e\n' });
    }
    assert.deepEqual((await warden([], 'logs demo 3\n')).stdout, 'o\xff\0');
    assert.deepEqual(requests.map(({ type, request }) => [type, (request as RequestOf<Type.Logs>).jobId]), Array.from({ length: 4 }, () => [Type.Logs, 3]));
  });

  it('without JOB is about the one that was started last', async () => {
    const { requests } = await start({ ...output, [Type.Jobs]: ({ handle }) => ({ jobs: handle === 'demo' ? [{ id: 7, state: 'running' }, { id: 12, state: 'ended' }, { id: 9, state: 'ended' }] : [] }) });
    assert.equal((await warden(['logs', 'demo', '-f'])).stdout, 'o\xff\0');
    assert.deepEqual(requests.map(({ type }) => type), [Type.Jobs, Type.Logs]);
    assert.deepEqual([(requests[1]?.request as RequestOf<Type.Logs>).jobId, (requests[1]?.request as RequestOf<Type.Logs>).follow], [12, true]);
    assert.deepEqual(await warden(['logs', 'other']), { status: 1, stdout: '', stderr: 'other has no job whose output is there\n' });
  });

  it('takes -f and --since-byte anywhere', async () => {
    const { requests } = await start(output);
    for (const words of [['-f', 'demo', '3', '--since-byte', '8589934592'], ['--since-byte=8589934592', 'demo', '-f', '3'], ['demo', '3', '--since_byte', '8589934592', '--follow'],
      ['--handle', 'demo', '--job_id', '3', '--since_byte', '8589934592', '--follow']]) {
      assert.equal((await warden(['logs', ...words])).status, 0);
    }
    for (const { request } of requests) assert.deepEqual(request, { handle: 'demo', jobId: 3, sinceByte: 2n ** 33n, follow: true });
  });

  it('says how it is used', async () => {
    const { requests } = await start(output);
    for (const words of [[], ['demo', '3', '4'], ['demo', '3', '-x'], ['--nope', 'demo', '3']]) {
      assert.deepEqual(await warden(['logs', ...words]), { status: 1, stdout: '', stderr: 'usage: logs HANDLE [JOB] [-f] [--since-byte N]\n' });
    }
    for (const [words, message] of [
      [['demo', 'x'], /^JOB of logs is a number from 0 to 4294967295, not "x"\n$/], [['demo', '4294967296'], /^JOB of logs is/], [['demo', '1e3'], /^JOB of logs is/],
      [['demo', '3', '--since-byte'], /^--since-byte of logs is a number from 0 to 18446744073709551615\n$/], [['demo', '3', '--since-byte', '18446744073709551616'], /^--since-byte of logs is/],
    ] as const) {
      const { status, stderr } = await warden(['logs', ...words]);
      assert.equal(status, 1);
      assert.match(stderr, message);
    }
    assert.equal(requests.length, 0);
  });

  it('that is interrupted leaves the job as it is', async () => {
    const { path } = await start({ [Type.Logs]: async function* (_request, { socket }) {
      yield { name: 'stdout', data: Buffer.from('first'), position: 0n };
      await new Promise((resolve) => socket.once('close', resolve));
    } });
    const client = new WardenClient({ path });
    const controller = new AbortController();
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.once('data', () => controller.abort());
    const status = await runCommand(['logs', 'demo', '3', '-f'], { client, streams: { stdin: Readable.from([]), stdout, stderr }, signal: controller.signal });
    assert.deepEqual([status, (stderr.read() as Buffer).toString()], [1, 'interrupted; job 3 is left as it is\n']);
    await client.close();
  });
});

describe('help and completion', () => {
  it('know both forms', async () => {
    assert.match(commandHelp(Type.Jobs), /\nusage: jobs HANDLE\n {3}or: jobs --handle string\n/);
    assert.match(commandHelp(Type.Logs), /\nusage: logs HANDLE \[JOB\] \[-f\] \[--since-byte N\]\n {3}or: logs --handle string --job_id uint32 \[field…\]\n/);
    const live = { handles: (): Promise<string[]> => Promise.resolve(['demo', 'other']), images: async (): Promise<string[]> => [] };
    assert.deepEqual(await complete('logs ', live), [['demo ', 'other '], '']);
    assert.deepEqual(await complete('jobs d', live), [['demo '], 'd']);
    assert.deepEqual(await complete('logs --h', live), [['--handle ', '--help '], '--h']);
  });
});

describe('a job with arguments', () => {
  it('needs no script', async () => {
    const { requests } = await start({ [Type.Spawn]: () => ({ jobId: 3 }), [Type.Stream]: () => ({ exitStatus: 0 }) });
    assert.deepEqual(await warden(['spawn', '--handle', 'x', '--args', 'ls', '--args', '-l', '--env', 'A=b c']), { status: 0, stdout: 'job_id : 3\n', stderr: '' });
    assert.equal((await warden(['run', '--handle', 'x', '--args[0]', 'ls', '--timeout_ms', '5'])).status, 0);
    assert.deepEqual(requests.map(({ request }) => request), [
      { handle: 'x', script: '', args: ['ls', '-l'], env: ['A=b c'] }, { handle: 'x', script: '', args: ['ls'], env: [], timeoutMs: 5n }, { handle: 'x', jobId: 3 },
    ]);
    assert.match((await warden(['run', '--handle', 'x'])).stderr, /required field script is missing/);
  });
});
