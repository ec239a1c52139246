/* The high-level API, the blocking and the event client, and every example of docs/client.md and README.md, against a server. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BlockingClient, RunError, Warden, WardenError } from 'warden-client';
import { compileExamples, examplesOf, type CompiledExamples } from '../harness/examples.js';
import { useServer } from '../harness/fixture.js';
import { repository } from '../harness/paths.js';
import { runProgram } from '../harness/run-program.js';
import { withDeadline } from '../harness/wait.js';

const server = useServer();

async function withWarden(work: (warden: Warden) => Promise<void>): Promise<void> {
  const warden = new Warden(server.paths.socket);
  try {
    await work(warden);
  } finally {
    await warden.close();
  }
}

async function withBox(work: (box: Awaited<ReturnType<Warden['create']>>, warden: Warden) => Promise<void>): Promise<void> {
  const warden = new Warden(server.paths.socket);
  try {
    const box = await warden.create();
    try {
      await work(box, warden);
    } finally {
      await box[Symbol.asyncDispose]();
    }
    assert.deepEqual(await warden.list(), []);
  } finally {
    await warden.close();
  }
}

/** What each example prints, by the heading it stands under. */
const PRINTED: Readonly<Record<string, readonly RegExp[]>> = {
  'A box': [/^42\n 0\n$/, /^\[ 'long-lived' \]\n$/, /^red true true\nblue false false\ntrue\n$/],
  'Running something': [/^\[ '1', '2', '3', '' \] 6\nfailed 3 not good\n\n$/, /^2\nfalse\n$/],
  'Jobs': [/^(?:stdout \d+\n)+got one\ngot two\n\{ exitStatus: 0 \}\ngot one\ngot two\n\n2\n$/],
  'Files': [/^six times seven is 42\n\nsix times seven is 42\n\nnot_found\ntoday file 35n\nfalse\n$/],
  'Waiting': [/^ready: 1234\n$/],
  'Network': [/^\[\s*\{ network: '192\.0\.2\.53', port: 53, protocol: 1 \}\s*\]\n(\d+) \[\s*\{ hostPort: \1, containerPort: 8080, protocol: 'tcp' \}\s*\]\n$/],
  'Traces': [/^$/],
  'Events': [/^created \njob_started \njob_ended 3\nstopped \ndestroyed \n$/],
  'Events and callbacks': [/^connected\n0\nthe client is closed\n$/],
  'Blocking calls': [/^(?:stdout \d+\n)+0\n$/],
  'v1: commands as lists of words': [/^\[ 0, 'hello\\n', '' \]\n$/],
  'A minute\'s tour': [/^42\n\nhello it's; rm -rf \*\n$/],
  'Tests of your own': [/^5 ran ls\n\[ \{ protocol: 0, network: '192\.0\.2\.1' \} \] \d+\n$/],
};

describe('docs/client.md and README.md', () => {
  const examples = [...examplesOf('docs/client.md'), ...examplesOf('README.md')];
  let compiled: CompiledExamples;
  before(async () => {
    compiled = await compileExamples(examples);
  });
  after(() => compiled[Symbol.dispose]());

  const counts: Record<string, number> = {};
  for (const [index, { title }] of examples.entries()) {
    const number = counts[title] = (counts[title] ?? 0) + 1;
    test(`example ${number} of "${title}"`, async () => {
      const { status, stdout, stderr } = await runProgram(process.execPath, [compiled.files[index] ?? ''], { env: { ...process.env, WARDEN_SOCKET: server.paths.socket, NO_COLOR: '1' }, timeoutMs: 60_000 });
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, PRINTED[title]?.[number - 1] ?? /^it prints what nobody expects$/);
    });
  }

  test('has an example for everything that is expected', () => {
    assert.deepEqual(counts, Object.fromEntries(Object.entries(PRINTED).map(([title, outputs]) => [title, outputs.length])));
  });
});

test('values of a template reach a program as they are', async () => {
  await withBox(async (box) => {
    const values = ['a b', '$(id)', '`id`', "'; touch /tmp/x; '", '"', '\\', '*', '', '-n', 'ü\n'];
    assert.equal((await box.$`printf '<%s>' ${values} "${'in $HOME'}"`).stdout, [...values, 'in $HOME'].map((value) => `<${value}>`).join(''));
    assert.equal((await box.run('test -e /tmp/x')).exitStatus, 1);
  });
});

test('a run that is canceled is killed, one that takes too long too', async () => {
  await withBox(async (box) => {
    const controller = new AbortController();
    const run = box.run('echo started; exec sleep 1000', { signal: controller.signal });
    const [job] = await untilJobs(box);
    for await (const { line } of job.lines()) {
      assert.equal(line, 'started');
      break;
    }
    controller.abort();
    await assert.rejects(run, (error) => error instanceof WardenError && error.code === 'canceled');
    assert.deepEqual((await box.info()).jobIds, []);
    await assert.rejects(box.run(['sleep', '1000'], { timeoutMs: 200, check: true }), (error) => error instanceof RunError && error.code === 'timeout' && error.result.signal === 9);
    assert.deepEqual((await box.jobs()).map(({ id }) => id), []);
  });
});

test('a megabyte of input, and a job that ends without reading it', async () => {
  await withBox(async (box) => {
    const { stdout } = await box.run('wc -c', { stdin: Buffer.alloc(1_000_000, 7) });
    assert.equal(Number(stdout), 1_000_000);
    assert.equal((await box.run(['head', '-c', '3'], { stdin: Buffer.alloc(1_000_000, 97) })).stdout, 'aaa');
  });
});

test('waits for a port that a program listens on', async () => {
  await withBox(async (box) => {
    await assert.rejects(box.waitFor({ port: 7000, timeoutMs: 100 }), (error) => error instanceof WardenError && error.code === 'timeout');
    const listening = box.waitFor({ port: 7000, timeoutMs: 60_000 });
    const program = 'import socket, sys; s = socket.create_server(("127.0.0.1", 7000)); sys.stdin.read()';
    const job = await box.spawn(['python3', '-c', program], { stdin: true });
    await listening;
    await job.stdin.end();
    assert.equal((await job.exit).exitStatus, 0);
    assert.deepEqual((await box.info()).events, []);
  });
});

test('a box lives as long as somebody has it', async () => {
  // A connection refers to the containers that exist when it is made.
  const watcher = await server.connect();
  await watcher.ping();
  const warden = new Warden(server.paths.socket);
  const box = await warden.create({ graceTimeSeconds: 0 });
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(box.info({ signal: controller.signal }), (error) => error instanceof WardenError && error.code === 'canceled');
  await assert.rejects(box.jobs({ timeoutMs: 1 }).then(() => { throw new WardenError('timeout', 'it was fast'); }), (error) => error instanceof WardenError && error.code === 'timeout');
  assert.equal((await box.info()).state, 'active');
  await box.release()[Symbol.asyncDispose]();
  await warden.close();
  await withDeadline((async () => {
    while ((await watcher.list()).includes(box.handle)) await new Promise(setImmediate);
  })(), 30_000, 'the end of a box with a grace time of 0');
});

test('events tell what happens to a box and its jobs', async () => {
  await withBox(async (box, warden) => {
    const events = await warden.events({ handle: box.handle });
    assert.equal((await box.run('exit 3')).exitStatus, 3);
    const job = await box.spawn('exec sleep 1000');
    await job.kill('KILL');
    await job.exit;
    await assert.rejects(box.run('sleep 1000', { timeoutMs: 100, check: true }));
    await box.stop({ kill: true });
    await box.destroy();
    const seen: string[] = [];
    for await (const event of events) {
      seen.push([event.kind, 'exitStatus' in event ? event.exitStatus : '', 'signal' in event ? event.signal : '', 'event' in event ? event.event : ''].join(' ').trim());
      if (event.kind === 'destroyed') break;
    }
    // The event of a time-out and the end of its job come by different connections.
    const [timeOut, ended] = [seen.indexOf('event   job timed out'), seen.lastIndexOf('job_ended 255 9')];
    assert.deepEqual([timeOut, ended].sort(), [5, 6]);
    assert.deepEqual(seen.filter((_, at) => at !== timeOut), ['job_started', 'job_ended 3', 'job_started', 'job_ended 255 9', 'job_started', 'job_ended 255 9', 'stopped', 'destroyed']);
  });
});

test('the blocking client does not block the server', async () => {
  const client = BlockingClient.connect(server.paths.socket);
  try {
    const { handle } = client.create();
    const { stdout, info } = client.run({ handle, script: 'echo ü' });
    assert.deepEqual([Buffer.from(stdout).toString(), info?.state], ['ü\n', 'active']);
    assert.throws(() => client.info({ handle: 'nobody' }), (error) => error instanceof WardenError && error.code === 'not_found');
    assert.equal(client.call(['destroy', handle]), 'ok');
  } finally {
    client.close();
  }
});

async function untilJobs(box: { jobs(): Promise<{ lines(): AsyncIterable<{ line: string }> }[]> }): Promise<[{ lines(): AsyncIterable<{ line: string }> }]> {
  for (;;) {
    const [job] = await box.jobs();
    if (job !== undefined) return [job];
    await new Promise(setImmediate);
  }
}

test('a tree goes up and comes back as it was, of whichever user, and what cannot be taken is told', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-client-api-'));
  try {
    const from = join(directory, 'from');
    mkdirSync(join(from, 'sub'), { recursive: true });
    writeFileSync(join(from, 'sub', 'file'), Buffer.alloc(3_000_001, 'x'));
    writeFileSync(join(from, 'program'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
    symlinkSync('sub/file', join(from, 'link'));
    await withBox(async (box) => {
      assert.deepEqual(await box.files.upload(from, 'tree'), { notes: [] });
      assert.equal(String(await box.$`stat -c '%U %a' tree/program && tree/program && wc -c < tree/link && readlink tree/link`), 'vcap 755\nran\n3000001\nsub/file');
      await box.$`echo more > tree/sub/more; mkfifo tree/fifo; chmod 700 tree/sub`;
      const { notes } = await box.files.download('tree', join(directory, 'to'));
      assert.equal(notes.length, 1);
      assert.match(notes[0] ?? '', /fifo/);
      assert.deepEqual(readdirSync(join(directory, 'to')).sort(), ['link', 'program', 'sub']);
      assert.deepEqual([readFileSync(join(directory, 'to/sub/more'), 'utf8'), statSync(join(directory, 'to/sub')).mode & 0o777], ['more\n', 0o700]);
      await box.files.upload(join(from, 'program'), '/root/program', { user: 'root' });
      await assert.rejects(box.files.download('/root/program', join(directory, 'one')), (error) => error instanceof WardenError && error.code === 'permission');
      assert.equal(existsSync(join(directory, 'one')), false);
      await box.files.download('/root/program', join(directory, 'one'), { user: 'root' });
      assert.equal(statSync(join(directory, 'one')).mode & 0o777, 0o755);
      await box.stop({ kill: true });
      assert.equal(await box.files.read('tree/sub/more').text(), 'more\n', 'files of a stopped box');
      assert.equal(await box.files.exists('tree/nothing'), false);
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a box tells its processes, whatever they call themselves', async () => {
  await withBox(async (box) => {
    const command = ['/bin/bash', '-c', 'echo started; read -r line', 'odd \u001b[2J name', ''];
    const job = await box.spawn(command, { stdin: true });
    await box.waitFor({ log: 'started', job });
    const [init, ...others] = await box.processes({ timeoutMs: 10_000 });
    const [started] = others.filter(({ name }) => name === 'bash');
    assert.equal(init?.pid, 1);
    assert.deepEqual([started?.command, started?.parentPid, started?.started instanceof Date], [command, 1, true]);
    await job.stdin.end('go on\n');
    assert.equal((await job.exit).exitStatus, 0);
  });
});

test('a transfer that is given up leaves the box as usable as it was', async () => {
  await withBox(async (box) => {
    const controller = new AbortController();
    const write = box.files.write('large', (async function* () {
      yield Buffer.alloc(1 << 20);
      controller.abort();
      yield Buffer.alloc(1 << 20);
    })(), { signal: controller.signal });
    await assert.rejects(write, (error) => error instanceof WardenError && error.code === 'canceled');
    await assert.rejects(box.files.read('/dev/zero', { timeoutMs: 5000 }).bytes(), WardenError);
    await box.files.write('small', 'x');
    for await (const piece of box.files.tarOut('.')) {
      assert.ok(piece.length > 0);
      break;
    }
    assert.equal(await box.files.read('small').text(), 'x');
  });
});

test('labels, a ttl and the newer options of create reach the server', async () => {
  await withWarden(async (warden) => {
    await using red = await warden.create({ labels: { team: 'red', odd: 'a b\n' }, ttlSeconds: 3600 });
    await using blue = await warden.create({ labels: { team: 'blue' } });
    assert.deepEqual(await warden.list({ labels: { team: 'red' } }), [red.handle]);
    const all = await warden.boxes({ labels: { team: true } });
    assert.deepEqual(all.map(({ handle }) => handle).sort(), [red.handle, blue.handle].sort());
    const summary = all.find(({ handle }) => handle === red.handle);
    assert.deepEqual({ ...summary?.labels }, { team: 'red', odd: 'a b\n' });
    assert.ok((summary?.ttlLeftMs ?? 0) > 3_500_000);
    await assert.rejects(warden.create({ ttlSeconds: 0 }), (error) => error instanceof WardenError && /^ttl: /.test(error.message));
    await assert.rejects(warden.create({ hooks: [{ point: 'child_after_pivot', program: 'x' }] }), (error) => error instanceof WardenError && error.code === 'permission');
    await assert.rejects(warden.create({ pull: 'never' }), (error) => error instanceof WardenError && error.code === 'invalid_argument');
  });
});

test('the end of a ttl is told to whoever waits for the box', async () => {
  await withWarden(async (warden) => {
    const box = await warden.create({ ttlSeconds: 1 });
    await using events = await warden.events({ handle: box.handle, timeoutMs: 10_000 });
    const run = box.run('sleep 1000');
    const told: string[] = [];
    for await (const event of events) {
      told.push(event.kind === 'event' ? event.event : event.kind);
      if (event.kind === 'destroyed') break;
    }
    assert.deepEqual(told.filter((kind) => !kind.startsWith('job_')), ['ttl is over', 'stopped', 'destroyed']);
    assert.notEqual((await run).exitStatus, 0);
    await box[Symbol.asyncDispose]();
  });
});

test('the blocking client reads and writes files of a real server', async () => {
  const program = `import { BlockingClient } from 'warden-client';
    const client = new BlockingClient(process.argv[1]);
    const { handle } = client.create({ labels: [{ key: 'by', value: 'script' }] });
    client.files.write({ handle, path: 'a' }, Buffer.alloc(1_000_000, 'b'));
    client.files.makeDirectory({ handle, path: 'x/y', parents: true });
    console.log(Buffer.from(client.run({ handle, script: 'wc -c < a; ls -d x/y' }).stdout).toString(), client.files.read({ handle, path: 'a' }).bytes().length, client.files.list({ handle, path: 'x' })[0].name);
    console.log(client.images.list().images.length, client.list({ labels: [{ key: 'by' }] }).handles.length === 1);
    client.destroy({ handle });`;
  const { status, stdout, stderr } = await runProgram(process.execPath, ['--input-type=module', '-e', program, server.paths.socket], { cwd: repository, timeoutMs: 60_000 });
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, / 1000000 y\n0 true\n$/);
});
