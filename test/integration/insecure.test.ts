/* container_klass: Insecure: plain processes of a user without rights, by the same protocol. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { output, refused, streamUntil } from '../harness/expect.js';
import { nativePrograms, repository, wardenProgram } from '../harness/paths.js';
import { usePlainServer } from '../harness/plain-server.js';
import { plainCommand, plainUser } from '../harness/plain-user.js';
import { commandLine, isAlive, parentOf, statusField } from '../harness/processes.js';
import { Syslog } from '../harness/syslog.js';
import { untilClean, untilSeen } from '../harness/wait.js';
import type { Fields } from '../harness/wire.js';

const CAUTION = 'INSECURE: plain processes without isolation or limits (server.container_klass: Insecure)';
const server = usePlainServer(['server.job_output_limit=100000']);

/** Waits for so many processes that sleep, which no output tells of. */
async function sleepers(count: number, pattern = /^sleep 100/): Promise<number[]> {
  const find = (): number[] => server.processes().filter((pid) => pattern.test(commandLine(pid)));
  await untilSeen(`${count} processes that sleep`, () => find().length === count, () => find().map(commandLine).join());
  return find();
}

/** Settles when none of them lives any more. */
async function gone(pids: readonly number[], ping: () => Promise<void>): Promise<void> {
  assert.deepEqual(await untilClean(() => pids.filter(isAlive).map(commandLine), () => ({ event: ping().catch(() => undefined), disarm: () => {} }), 5000), []);
}

test('it runs without rights, and says loudly what it is: in its log, and to every client by an event', async () => {
  const { client, handle } = await server.container();
  assert.equal(statusField(server.pid, 'Uid')?.split('\t')[0], String(plainUser));
  assert.equal(statusField(server.pid, 'CapEff'), '0000000000000000');
  assert.match(server.log, /"level":40.*INSECURE: plain processes/);
  const info = await client.info(handle);
  assert.deepEqual(info.events, [CAUTION]);
  assert.equal(info.state, 'active');
  assert.equal(info.disk_backend, 'none');
});

test('a job is bash with the script, as the server\'s user, in a home directory of its own, with the environment of every job', async () => {
  const { client, handle, home } = await server.container();
  const script = 'echo $0; pwd; id -u; umask; env | grep -Ev "^(_|SHLVL|PWD)=" | LC_ALL=C sort; read line; echo "read $line"\nnext\necho tty: $(tty)';
  const result = await client.run(handle, script);
  assert.equal(result.stdout, ['/bin/bash', home, String(plainUser), '0022', `HOME=${home}`, 'LANG=C.UTF-8', 'PATH=/bin:/usr/bin', `USER=${await userName(client, handle)}`, 'read next', 'tty: not a tty', ''].join('\n'));
  assert.deepEqual((await Promise.all(['', 'exit 7', 'nosuchcommand', 'kill -9 $$', 'if'].map((each) => client.run(handle, each)))).map(({ status }) => status), [0, 7, 127, 255, 2]);
  const own = await client.run(handle, 'echo $HOME $A', { env: ['HOME=/elsewhere', 'A=b'] });
  assert.equal(own.stdout, '/elsewhere b\n');
  assert.equal(output(await client.run(handle, '', { args: ['pwd'], cwd: '/tmp' })), home.replace('home/vcap', 'tmp\n'));
  await refused(client.run(handle, 'true', { user: 'root2' }), 'unsupported', /user root2: plain processes .* are all of the server's own user/);
  await refused(client.run(handle, '', { args: ['true'], cwd: '/nowhere' }), 'not_found', /enter directory .*no such directory/);
  await refused(client.run(handle, '', { args: ['/nowhere'] }), 'not_found', /execute program/);
});

async function userName(client: Awaited<ReturnType<typeof server.container>>['client'], handle: string): Promise<string> {
  return output(await client.run(handle, 'id -un')).trim();
}

test('spawn, link, stream and logs, several at once; input; a terminal; signals; a time-out', async () => {
  const { client, handle } = await server.container();
  const other = await server.connect();
  const id = await client.spawn(handle, 'cat; echo done >&2; exit 4', { stdin: true });
  const streamed = (async () => {
    let text = '';
    for await (const { data, status } of other.stream(handle, id)) {
      text += data.toString();
      if (status !== undefined) return { text, status };
    }
    throw new Error('no status');
  })();
  await client.input(handle, id, 'some\n');
  await client.input(handle, id, 'input\n', true);
  assert.deepEqual(await streamed, { text: 'some\ninput\ndone\n', status: 4 });
  const tty = await client.spawn(handle, 'tty >/dev/null && stty size; read line; echo "got $line"', { tty: { rows: 33, columns: 99 } });
  await client.input(handle, tty, 'typed\n');
  const typed = await client.link(handle, tty);
  assert.equal(typed.status, 0);
  assert.match(typed.stdout, /33 99[^]*got typed/);
  const trapping = await client.spawn(handle, 'trap "echo caught; exit 9" USR1; echo ready; while :; do read -t 1 <> <(:); done');
  const logs = client.logs(handle, trapping, { follow: true });
  await streamUntil(logs, 'ready');
  await other.signal(handle, trapping, 10);
  await streamUntil(logs, 'caught').catch(() => undefined);
  assert.equal((await other.link(handle, trapping)).status, 9);
  const late = await client.run(handle, 'setsid sleep 100 & sleep 100', { timeout_ms: 200 });
  assert.deepEqual({ status: late.status, timedOut: late.timedOut }, { status: 255, timedOut: true });
});

test('rlimits of a job are its own; what is not limited is as the server has it, without an event', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'ulimit -n; ulimit -f', { rlimits: { nofile: 77n, fsize: 1024n } })), '77\n1\n');
  assert.equal(output(await client.run(handle, 'ulimit -n')), '1024\n');
  assert.deepEqual((await client.info(handle)).events, [CAUTION]);
});

test('output beyond the limit ends the job with all its processes', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, 'sleep 1000 & yes');
  assert.equal(result.status, 255);
  assert.deepEqual((await client.info(handle)).events, [CAUTION, 'command exceeded maximum output']);
  await gone(server.processes().filter((pid) => /sleep|yes/.test(commandLine(pid))), () => client.ping());
  assert.equal((await client.run(handle, 'head -c 100000 /dev/zero')).out.length, 100_000);
});

test('stop reaches every process, also those that made sessions of their own and have no parent any more; nobody else', async () => {
  const { client, handle } = await server.container();
  const { client: neighbour, handle: other } = await server.container();
  const kept = await neighbour.spawn(other, 'echo up; sleep 1000');
  await streamUntil(neighbour.logs(other, kept, { follow: true }), 'up');
  assert.equal(output(await client.run(handle, '(setsid setsid sleep 1001 >/dev/null 2>&1 &) ; (setsid sleep 1002 >/dev/null 2>&1 &); echo on')), 'on\n');
  const sleeping = await sleepers(2, /^sleep 100[12]/);
  const job = await client.spawn(handle, 'trap "" TERM; echo deaf; while :; do sleep 0.05; done');
  await streamUntil(client.logs(handle, job, { follow: true }), 'deaf');
  const control = await server.connect();
  await control.stop(handle, { kill: true });
  assert.deepEqual(sleeping.filter(isAlive), []);
  assert.equal((await control.link(handle, job)).status, 255);
  assert.equal((await control.info(handle)).state, 'stopped');
  assert.deepEqual((await control.jobs(other)).map(({ state }) => state), ['running'], 'the neighbour\'s job lives on');
  await refused(control.run(handle, 'true'), 'wrong_state', /Container state must be one of 'active', current state is 'stopped'/);
});

test('files of requests are those below the container\'s directory; no link and no .. leads out of it', async () => {
  const { handle, home, directory, client: raw } = await server.container();
  const client = await WardenClient.connect({ path: server.socket });
  try {
    const { files } = client;
    await files.write({ handle, path: 'note' }, 'text');
    assert.equal(readFileSync(`${home}/note`, 'utf8'), 'text');
    await files.write({ handle, path: '/tmp/other', mode: 0o6755 }, 'more');
    assert.equal(await files.read({ handle, path: `${directory}/rootfs/tmp/other` }).text(), 'more', 'a path that a job has told');
    assert.equal(output(await raw.run(handle, 'stat -c "%a %u" ../../tmp/other; ln -s /etc/passwd link; ln -s / up')), `755 ${plainUser}\n`, 'no set-id bits');
    await assert.rejects(files.read({ handle, path: 'link' }).bytes(), /no such file/);
    await assert.rejects(files.read({ handle, path: '../../../../../../../../etc/passwd' }).bytes(), /no such file/);
    await files.rename({ handle, path: 'note', newPath: `${home}/renamed` });
    const listed: string[] = [];
    for (const { name } of await files.list({ handle, path: '.' })) listed.push(name);
    assert.deepEqual(listed.sort(), ['link', 'renamed', 'up']);
    await assert.rejects(files.read({ handle, path: 'renamed', user: 'daemon' }).bytes(), /plain processes/);
  } finally {
    await client.close();
  }
});

test('copies in and out; only the server\'s user can own them', async () => {
  const { client, handle, home } = await server.container();
  const source = server.makeDirectory('source');
  writeFileSync(join(source, 'file'), 'content');
  await client.request('copy_in', { handle, src_path: `${source}/`, dst_path: 'tree' });
  assert.equal(output(await client.run(handle, 'cat tree/file; stat -c %u tree/file; ln -s file tree/link; mkfifo tree/fifo; echo new >tree/made')), `content${plainUser}\n`);
  const target = server.makeDirectory('target');
  const answer = await client.request('copy_out', { handle, src_path: `${home}/tree/`, dst_path: `${target}/` });
  assert.equal(answer['skipped'], 1n);
  assert.equal(readFileSync(join(target, 'made'), 'utf8'), 'new\n');
  assert.equal(readFileSync(join(target, 'link'), 'utf8'), 'content');
  await refused(client.request('copy_out', { handle, src_path: 'tree', dst_path: target, owner: 'root' }), 'permission', /this server runs as .* cannot give files to 0:0/);
  await refused(client.request('copy_in', { handle, src_path: '/etc/shadow', dst_path: 'x' }), 'permission', /copy on the host .*permission denied/);
  await refused(client.request('copy_in', { handle, src_path: join(source, 'none'), dst_path: 'x' }), 'not_found', /no such file/);
  rmSync(source, { recursive: true });
});

test('the processes of a container are those below its monitor', async () => {
  const { client, handle } = await server.container();
  await server.container();
  const job = await client.spawn(handle, '(setsid sleep 1007 >/dev/null 2>&1 &); exec sleep 1008');
  const [one, two] = await sleepers(2, /^sleep 100[78]/);
  const { processes } = await client.request('processes', { handle }) as { processes: Fields[] };
  const told = new Map(processes.map((each) => [each['pid'], String(each['command_line']).replaceAll('\0', ' ')]));
  assert.deepEqual([told.get(one), told.get(two)].sort(), ['sleep 1007', 'sleep 1008']);
  assert.equal(told.size, 3, 'wshd, and nobody of another container');
  assert.equal((await client.jobs(handle)).find(({ id }) => id === job)?.state, 'running');
});

test('limits are refused with a reason, and read as none; what would open something is open', async () => {
  const { client, handle } = await server.container();
  assert.deepEqual(await client.request('limit_memory', { handle }), { limit_in_bytes: 9223372036854771712n });
  assert.equal((await client.request('limit_cpu', { handle }))['limit_in_shares'], 1024n);
  for (const [name, fields] of [['limit_memory', { limit_in_bytes: 1n << 30n }], ['limit_cpu', { limit_in_shares: 100n }], ['limit_pids', { limit: 100n }], ['limit_disk', { byte_limit: 1n << 30n }], ['limit_bandwidth', { rate: 1000n, burst: 1000n }]] as const) {
    await refused(client.request(name, { handle, ...fields }), 'unsupported', new RegExp(`${name}: this server makes plain processes`));
  }
  await client.netOut(handle, { network: '192.0.2.0/24', port: 80 });
  await client.netOut(handle, { domain: 'example.test', port: 80 });
  assert.equal((await client.info(handle)).bandwidth_stat?.['in_rate'], 4294967295n);
});

test('net_in reserves a port, on which a process can listen; each container has an address of its own to listen on', async () => {
  const [one, two] = [await server.container(), await server.container()];
  const [first, second] = [await one.client.netIn(one.handle), await two.client.netIn(two.handle)];
  assert.equal(first.host_port, first.container_port);
  assert.notEqual(first.host_port, second.host_port);
  await refused(one.client.netIn(one.handle, { container_port: 8080 }), 'unsupported', /container_port 8080: plain processes/);
  const addresses = [(await one.client.info(one.handle)).container_ip, (await two.client.info(two.handle)).container_ip];
  assert.notEqual(addresses[0], addresses[1]);
  const job = await one.client.spawn(one.handle, `python3 -c 'import socket
s = socket.create_server(("${addresses[0]}", ${first.host_port})); print("up", flush=True); c, _ = s.accept(); c.sendall(b"hello"); c.close()'`);
  await streamUntil(one.client.logs(one.handle, job, { follow: true }), 'up');
  const socket = net.connect(first.host_port, addresses[0]);
  const [data] = await once(socket, 'data') as [Buffer];
  assert.equal(data.toString(), 'hello');
  socket.destroy();
});

test('what needs a container is refused: bind mounts, a rootfs, hooks, images', async () => {
  const client = await server.connect();
  await refused(client.create({ bind_mounts: [{ src_path: '/tmp', dst_path: '/x', mode: 0 }] }), 'unsupported', /bind_mounts: this server makes plain processes/);
  await refused(client.create({ rootfs: '/var' }), 'unsupported', /rootfs \/var: this server makes plain processes/);
  await refused(client.create({ rootfs: 'image:x' }), 'unsupported', /rootfs image:x: this server makes plain processes/);
  await refused(client.create({ rootfs: '/nowhere' }), 'not_found', /^rootfs \/nowhere not found$/);
  await client.destroy(await client.create({ rootfs: '/' }));
  await refused(client.create({ hooks: [{ point: 0, program: 'x' }] }), 'unsupported', /hook x: plain processes/);
  await refused(client.request('image_list'), 'unsupported', /image/);
  assert.deepEqual(await client.list(), []);
  await assert.rejects(WardenClient.connect({ path: join(server.directory, 'none.sock') }));
});

test('handles, states and errors are those of every server', async () => {
  const { client, handle } = await server.container('$(id) ../x');
  assert.equal(handle, '$(id) ../x');
  await refused(client.create({ handle }), 'exists', /container with handle: .* already exists/);
  await refused(client.link(handle, 99), 'not_found', /no such job/);
  await client.stop(handle);
  await client.stop(handle);
  await client.destroy(handle);
  await refused(client.info(handle), 'not_found', /unknown handle/);
  const brief = await server.connect();
  await brief.create({ handle: 'brief', grace_time: 0 });
  brief.close();
  assert.deepEqual(await untilClean(async () => client.list(), () => ({ event: client.ping().catch(() => undefined), disarm: () => {} }), 5000), []);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`jobs live on when the server goes by ${signal}, and the next one has all that they wrote`, async () => {
    const { client, handle, home } = await server.container('lives-on');
    output(await client.run(handle, 'mkfifo go'));
    const waiting = await client.spawn(handle, 'echo before; read x <go; echo "after $x"; exit 6');
    await streamUntil((await server.connect()).logs(handle, waiting, { follow: true }), 'before');
    const ended = await client.spawn(handle, 'echo short; exit 5');
    await client.netIn(handle);
    const status = await server.stop(signal);
    assert.equal(status, signal === 'SIGTERM' ? 0 : 'SIGKILL');
    writeFileSync(`${home}/go`, 'meanwhile\n');
    await server.start();
    const next = await server.connect();
    assert.deepEqual(await next.list(), ['lives-on']);
    const result = await next.link(handle, waiting);
    assert.deepEqual({ status: result.status, stdout: result.stdout }, { status: 6, stdout: 'before\nafter meanwhile\n' });
    const short = await next.link(handle, ended);
    assert.deepEqual({ status: short.status, stdout: short.stdout }, { status: 5, stdout: 'short\n' });
    const info = await next.info(handle);
    assert.deepEqual(info.events, [CAUTION]);
    assert.equal(info.net_in.length, 1);
    assert.ok(await next.spawn(handle, 'true') > ended);
  });
}

for (const [who, pattern] of [['monitor', /plain-monitor/], ['wshd', /^wshd/]] as const) {
  test(`when its ${who} is killed the container's processes are, too, and the container is stopped`, async () => {
    const { client, handle, directory } = await server.container();
    const job = await client.spawn(handle, '(setsid sleep 1003 >/dev/null 2>&1 &); echo up; sleep 1004');
    await streamUntil(client.logs(handle, job, { follow: true }), 'up');
    const control = await server.connect();
    const sleeping = await sleepers(2);
    const monitor = Number(readFileSync(join(directory, 'run/monitor.pid'), 'utf8').split(' ')[0]);
    const victim = [monitor, ...findBelow(monitor)].find((pid) => pattern.test(commandLine(pid)));
    assert.ok(victim !== undefined);
    process.kill(victim, 'SIGKILL');
    await gone(sleeping, () => control.ping());
    const link = await control.link(handle, job);
    assert.equal(link.status, 255);
    const info = await control.info(handle);
    assert.equal(info.state, 'stopped');
    assert.equal(info.events.length, 2);
    if (who === 'monitor') await refused(control.run(handle, 'true'), 'wrong_state', /stopped/);
  });
}

/** Children of a process. */
function findBelow(parent: number): number[] {
  return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').filter((text) => text !== '').map(Number);
}

test('a destroy ends what is left when both monitor and wshd were killed', async () => {
  const { client, handle, directory } = await server.container();
  const job = await client.spawn(handle, '(setsid sleep 1005 >/dev/null 2>&1 &); echo up; sleep 1006');
  await streamUntil(client.logs(handle, job, { follow: true }), 'up');
  const control = await server.connect();
  const sleeping = await sleepers(2);
  const monitor = Number(readFileSync(join(directory, 'run/monitor.pid'), 'utf8').split(' ')[0]);
  const [wshd] = findBelow(monitor);
  assert.ok(wshd !== undefined);
  // Stopped first, so that neither can do anything about the end of the other.
  for (const signal of ['SIGSTOP', 'SIGKILL']) for (const pid of [wshd, monitor]) process.kill(pid, signal);
  await control.destroy(handle);
  await gone(sleeping, () => control.ping());
});

test('lines of a job with a log_tag go to syslog', async () => {
  const path = join(server.makeDirectory('syslog'), 'log');
  const syslog = await Syslog.listen(path);
  // Whoever made the socket may write to it: that is root here, and the server is nobody.
  chmodSync(path, 0o666);
  await server.restart([`server.syslog_socket=${path}`]);
  try {
    const { client, handle } = await server.container();
    output(await client.run(handle, 'echo a line', { log_tag: 'plain' }));
    await syslog.until(/a line/);
    assert.deepEqual(syslog.lines, ['14 warden.plain: a line']);
  } finally {
    await syslog.close();
    await server.restart();
  }
});

test('a second server on the same depot is refused, by whatever path it comes', async () => {
  const link = join(server.directory, 'link');
  symlinkSync(server.depot, link);
  for (const depot of [server.depot, link]) {
    const child = server.spawn([`server.unix_domain_path=${server.directory}/second.sock`, `server.container_depot_path=${depot}`]);
    const [status] = await once(child, 'exit');
    assert.equal(status, 1);
    assert.match(server.log, new RegExp(`another wardend \\(pid \\d+, .*\\) uses the depot ${depot}\\b`));
  }
  assert.ok(isAlive(server.pid));
  assert.equal(parentOf(server.pid), process.pid);
});

test('a shell of wsh is in the home directory, with a terminal', async () => {
  const { directory, home } = await server.container();
  const { program, args, identity } = plainCommand(`${nativePrograms}/wsh`, ['--socket', `${directory}/run/monitor.sock`, '--', '/bin/bash', '-c', 'pwd; echo $HOME $PATH; tty -s && echo terminal; exit 7']);
  const shell = spawn(program, args, { ...identity, stdio: ['ignore', 'pipe', 'inherit'], env: {} });
  let text = '';
  shell.stdout.on('data', (data: Buffer) => { text += data.toString(); });
  const [status] = await once(shell, 'close') as [number];
  assert.deepEqual({ status, lines: text.trim().split('\r\n') }, { status: 7, lines: [home, `${home} /bin:/usr/bin`, 'terminal'] });
});

test('a depot is for one kind of containers; a socket that others can use is warned of', async () => {
  const depot = server.makeDirectory('linux-depot');
  writeFileSync(join(depot, 'lock'), '');
  const child = server.spawn([`server.container_depot_path=${depot}`, `server.unix_domain_path=${server.directory}/third.sock`]);
  const [status] = await once(child, 'exit') as [number];
  assert.equal(status, 1);
  assert.match(server.log, /linux-depot is one of Linux containers: plain processes .* need their own/);
  assert.ok(existsSync(join(server.depot, 'plain')));
  assert.match(server.log, /server\.unix_domain_permissions lets others/);
});

test('warden run with the machine\'s own files, and warden doctor, which asks for no more than plain processes need', async () => {
  const warden = async (...words: readonly string[]): Promise<{ status: number | null; text: string }> => {
    const { program, args, identity } = plainCommand(process.execPath, [wardenProgram, ...words]);
    const child = spawn(program, args, { ...identity, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/bin', HOME: server.directory, WARDEN_SOCKET: server.socket } });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => { text += data.toString(); });
    const [status] = await once(child, 'close') as [number | null];
    return { status, text };
  };
  const run = await warden('run', '--rm', '/', '--', 'sh', '-c', 'id -u; exit 3');
  assert.deepEqual(run, { status: 3, text: `${plainUser}\n` });
  const doctor = await warden('doctor', '--set', 'server.container_klass=Insecure', '--set', `server.container_depot_path=${server.depot}`, '--set', `server.unix_domain_path=${server.socket}`);
  assert.equal(doctor.status, 0, doctor.text);
  assert.match(doctor.text, /warn +containers: server\.container_klass is Insecure/);
  assert.doesNotMatch(doctor.text, /^fail/m);
});

/** scripts/start-insecure.mjs with these commands. */
async function startInsecure(commands: string, isRoot = false): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const script = [join(repository, 'scripts/start-insecure.mjs')];
  const { program, args, identity } = isRoot ? { program: process.execPath, args: script, identity: {} } : plainCommand(process.execPath, script);
  const child = spawn(program, args, { ...identity, cwd: '/', env: { PATH: process.env['PATH'], WARDEN_DIRECTORY: join(server.directory, 'own'), HOME: server.directory } });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (data: Buffer) => { texts[name] += data.toString(); });
  child.stdin.end(commands);
  const [status] = await once(child, 'close') as [number | null];
  return { status, ...texts };
}

test('npm run start:insecure starts a server of the user\'s own with its REPL; containers are there the next time; root is refused', async () => {
  const first = await startInsecure('ping\ncreate --handle own\nrun --handle own --script "pwd; exit 4"\n');
  assert.equal(first.status, 4, first.stderr);
  assert.match(first.stdout, new RegExp(`^pong\nhandle : own\n${server.directory}/own/depot/containers/.*/rootfs/home/vcap\n$`));
  assert.match(first.stderr, /warn +plain processes are not isolated/);
  assert.match(readFileSync(join(server.directory, 'own/config.yml'), 'utf8'), /container_klass: Insecure/);
  const second = await startInsecure('list\ndestroy --handle own\n');
  assert.equal(second.status, 0, second.stderr);
  assert.match(second.stdout, /handles\[0\] : own/);
  const root = await startInsecure('', true);
  assert.equal(root.status, 1);
  assert.match(root.stderr, /plain processes of root could do everything/);
});
