/* `warden run`, exec, create, attach, wait, stop, kill and rm: what people type, and what they get. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { Command, type Outcome } from '../harness/command.js';
import { useServer } from '../harness/fixture.js';
import { withDeadline } from '../harness/wait.js';

const server = useServer();

const start = (...argv: string[]): Command => Command.warden(server.paths.socket, argv);
const warden = (...argv: string[]): Promise<Outcome> => start(...argv).given();

async function ok(...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await warden(...argv);
  assert.deepEqual([status, stderr], [0, ''], argv.join(' '));
  return stdout;
}

async function handles(): Promise<readonly string[]> {
  await using client = new WardenClient({ path: server.paths.socket });
  return (await client.list()).handles;
}

test('a command runs in a container of its own, which is gone afterwards', async () => {
  assert.deepEqual(await warden('run', '--rm', '--', 'sh', '-c', 'echo "$1 $0"; id -un; pwd; echo err >&2; exit 7', 'zero', '$(id)'), { status: 7, stdout: '$(id) zero\nvcap\n/home/vcap\n', stderr: 'err\n' });
  assert.equal(await ok('run', '--rm', '--name', 'run-e2e-1', server.paths.rootfs, 'hostname'), 'run-e2e-1\n');
  assert.deepEqual(await handles(), []);
});

test('exit statuses are those that people know', async () => {
  const { handle } = await server.container();
  const statusOf = async (...argv: string[]): Promise<unknown> => (await warden('exec', ...argv)).status;
  assert.equal(await statusOf(handle, 'sh', '-c', 'exit 255'), 255);
  assert.equal(await statusOf(handle, 'sh', '-c', 'kill -9 $$'), 137);
  assert.equal(await statusOf('--timeout', '0.2', handle, 'sleep', '1000'), 124);
  assert.equal(await statusOf(handle, 'no-such-program'), 127);
  assert.equal(await statusOf(handle, '/etc/passwd'), 126);
  assert.equal(await statusOf('-w', '/nope', handle, 'true'), 125);
  assert.equal(await statusOf('no-such-container', 'true'), 125);
  const { status, stderr } = await warden('run', 'no-such-image', 'true');
  assert.equal(status, 125);
  assert.match(stderr, /^warden: there is no image and no root file system named "no-such-image"[^\n]*\n$/);
  assert.equal((await warden('run', '--', 'no-such-program')).status, 127);
  assert.deepEqual(await handles(), [handle]);
});

test('its options are in force', async () => {
  const shared = join(server.slot.directory, 'shared');
  mkdirSync(shared);
  writeFileSync(join(shared, 'file'), 'of the host\n');
  await ok('run', '--name', 'run-e2e-2', '-v', `${shared}:/given:ro`, '-p', '80', '-m', '256M', '--cpus', '0.5', '--net', '192.0.2.7:443', '--pids', '50', '--ttl', '3600', '-l', 'team=red', '--', 'true');
  await using client = new WardenClient({ path: server.paths.socket });
  try {
    const { netIn, netOut, bindMounts, labels, ttlLeftMs, pidsStat } = await client.info({ handle: 'run-e2e-2' });
    assert.deepEqual([netIn.map(({ containerPort }) => containerPort), netOut.map(({ network, port }) => [network, port])], [[80], [['192.0.2.7', 443]]]);
    assert.deepEqual([labels, pidsStat?.max, (ttlLeftMs ?? 0n) > 3_000_000n], [[{ key: 'team', value: 'red' }], 50n, true]);
    assert.deepEqual(bindMounts.map(({ dstPath, mode }) => [dstPath, mode]), [['/given', 0]]);
    assert.equal((await client.limitMemory({ handle: 'run-e2e-2' })).limitInBytes, 256n << 20n);
    assert.equal((await client.limitCpu({ handle: 'run-e2e-2' })).quotaInUs, 50_000n);
    assert.deepEqual(await warden('exec', '-e', 'A=b c', '-w', '/tmp', '-u', 'root', 'run-e2e-2', 'sh', '-c', 'echo "$A"; pwd; id -u; cat /given/file; touch /given/x'), {
      status: 1, stdout: 'b c\n/tmp\n0\nof the host\n', stderr: 'touch: cannot touch \'/given/x\': Read-only file system\n',
    });
    assert.equal(await ok('exec', '-u', '65534:65534', 'run-e2e-2', 'id', '-u'), '65534\n');
  } finally {
    assert.equal(await ok('rm', '-f', 'run-e2e-2'), 'run-e2e-2\n');
  }
});

test('standard input is passed on byte for byte, and its end is one', async () => {
  const bytes = randomBytes(3_000_000);
  const { status, stdout, stderr } = await start('run', '--rm', '-i', '--', 'cat').given(bytes);
  assert.deepEqual([status, stderr], [0, '']);
  assert.ok(Buffer.from(stdout, 'latin1').equals(bytes));
  const { handle } = await server.container();
  assert.equal((await start('exec', '-i', handle).given('echo "$((6 * 7))"\nexit 5\n')).status, 5);
  assert.equal((await start('exec', '-i', handle, 'true').given(bytes)).status, 0);
  assert.equal(await ok('exec', handle, 'cat'), '', 'without -i there is none');
});

test('a terminal: its size, its keys, and the one outside as it was', async () => {
  const { handle } = await server.container();
  const shell = Command.wardenOnTerminal(server.paths.socket, ['exec', '-it', '-e', 'PS1=prompt> ', handle]);
  await shell.shows('prompt> ');
  shell.type('stty size; echo "$TERM"\r');
  await shell.shows('24 80\r\nxterm\r\n');
  await shell.shows('prompt> ');
  shell.resize(50, 132);
  shell.type('trap "stty size" WINCH; until [ "$(stty size)" = "50 132" ]; do :; done; echo large\r');
  await shell.shows('large\r\n');
  // One process says so and waits: it has the terminal by then, and the shell has not.
  shell.type('sh -c "echo waiting; exec cat"\r');
  await shell.shows('waiting\r\n');
  shell.type('\x03');
  await shell.shows('prompt> ');
  shell.type('exit 9\r');
  const { status, stderr } = await shell.ended;
  assert.deepEqual([status, stderr], [9, 'sane\n']);
});

test('Ctrl-P Ctrl-Q leaves a command, and attach comes back to it', async () => {
  const first = Command.wardenOnTerminal(server.paths.socket, ['run', '-it', '--name', 'run-e2e-3', '--', 'sh', '-c', 'echo begun; while read -r line; do echo "got $line"; done; exit 4']);
  await first.shows('begun\r\n');
  first.type('\x10\x11');
  const { status, stdout, stderr } = await first.ended;
  assert.deepEqual([status, stderr], [0, 'sane\n']);
  assert.match(stdout, /warden: left job \d+ of run-e2e-3, which goes on; warden attach run-e2e-3 comes back to it\r\n$/);
  const second = Command.wardenOnTerminal(server.paths.socket, ['attach', 'run-e2e-3']);
  second.type('again\r');
  await second.shows('got again\r\n');
  second.type('\x04');
  assert.deepEqual((({ status, stderr }) => [status, stderr])(await second.ended), [4, 'sane\n']);
  assert.equal(await ok('wait', 'run-e2e-3'), '4\n');
  await ok('rm', 'run-e2e-3');
});

test('signals are passed on, and what the command makes of them counts', async () => {
  const script = '$| = 1; $SIG{INT} = sub { print "int\\n" }; $SIG{USR1} = sub { print "caught\\n"; exit 3 }; print "ready\\n"; sleep 1 while 1';
  const caught = start('run', '--rm', '--', 'perl', '-e', script);
  await caught.shows('ready\n');
  caught.child.kill('SIGINT');
  await caught.shows('int\n');
  caught.child.kill('SIGUSR1');
  assert.deepEqual(await caught.ended, { status: 3, stdout: 'ready\nint\ncaught\n', stderr: '' });
  const ended = start('run', '--rm', '--', 'sh', '-c', 'echo ready; exec sleep 1000');
  await ended.shows('ready\n');
  ended.child.kill('SIGTERM');
  assert.equal((await ended.ended).status, 143);
  assert.deepEqual(await handles(), []);
});

test('a container of --rm does not outlive the command that was killed', async () => {
  // A connection refers to the containers that exist when it is made.
  await using watcher = await WardenClient.connect({ path: server.paths.socket });
  const run = start('run', '--rm', '--grace', '0', '--', 'sh', '-c', 'echo ready; exec sleep 1000');
  await run.shows('ready\n');
  assert.equal((await watcher.list()).handles.length, 1);
  run.child.kill('SIGKILL');
  assert.equal((await run.ended).status, 'SIGKILL');
  await withDeadline((async () => {
    while ((await watcher.list()).handles.length > 0) await new Promise(setImmediate);
  })(), 30_000, 'the end of the container');
});

test('a server that is killed and started again does not end a run, and no byte is lost or written twice', async () => {
  const run = start('run', '--rm', '--name', 'run-e2e-4', '-i', '--', 'sh', '-c', 'seq 1 20000; echo ready; cat > /dev/null; seq 20001 40000; exit 6');
  await run.shows('ready\n');
  await server.restart(undefined, 'SIGKILL');
  await ok('exec', 'run-e2e-4', 'true');
  assert.equal(await ok('kill', '-s', 'CONT', 'run-e2e-4'), 'run-e2e-4\n');
  const { status, stdout, stderr } = await run.given();
  const expected = [...Array.from({ length: 20_000 }, (_, index) => index + 1), 'ready', ...Array.from({ length: 20_000 }, (_, index) => index + 20_001), ''].join('\n');
  assert.deepEqual([status, stderr], [6, '']);
  assert.ok(stdout === expected, `${stdout.length} of ${expected.length} bytes`);
});

test('containers in the background: create, run -d, wait, stop, kill, rm', async () => {
  assert.equal(await ok('create', '--name', 'run-e2e-5'), 'run-e2e-5\n');
  assert.equal(await ok('run', '-d', '--name', 'run-e2e-6', '--', 'sleep', '1000'), 'run-e2e-6\n');
  const job = (await ok('exec', '-d', 'run-e2e-5', 'sh', '-c', 'exit 3')).trim();
  assert.equal(await ok('wait', 'run-e2e-5', job), '3\n');
  assert.deepEqual(await warden('rm', 'run-e2e-5', 'run-e2e-6'), { status: 1, stdout: 'run-e2e-5\n', stderr: 'warden: run-e2e-6: a job runs in it; stop it first, or rm -f\n' });
  const waiting = start('wait', 'run-e2e-6').given();
  assert.equal(await ok('kill', '-s', 'HUP', 'run-e2e-6'), 'run-e2e-6\n');
  assert.deepEqual(await waiting, { status: 0, stdout: '129\n', stderr: '' });
  assert.equal(await ok('stop', 'run-e2e-6'), 'run-e2e-6\n');
  assert.equal((await warden('exec', 'run-e2e-6', 'true')).status, 125);
  assert.equal(await ok('rm', 'run-e2e-6'), 'run-e2e-6\n');
  assert.deepEqual(await handles(), []);
});

test('requests of the same names are what they were: at the command line, behind --, and from a pipe', async () => {
  const { handle } = await server.container();
  for (const before of [[], ['--']]) assert.deepEqual(await warden(...before, 'run', '--handle', handle, '--script', 'echo x; exit 4'), { status: 4, stdout: 'x\n', stderr: '' });
  const piped = await start().given(`create --handle run-e2e-7\nrun --handle run-e2e-7 --privileged --script "id -u"\nexec run-e2e-7 echo subcommand\nrun -i -- cat\nstop --handle run-e2e-7\nrm run-e2e-7\n`);
  assert.deepEqual([piped.status, piped.stdout], [0, 'handle : run-e2e-7\n0\nsubcommand\nrun-e2e-7\n']);
  assert.match(piped.stderr, /^warden: -i has nothing to read here[^\n]*\n$/);
  assert.equal((await warden('run', '--handle', handle, '--script', 'kill -9 $$')).status, 255);
});
