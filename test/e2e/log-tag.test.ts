/* log_tag: lines of a job's output in syslog, whatever happens to the daemon and to syslog. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { Syslog } from '../harness/syslog.js';

let socket = '';
let syslog: Syslog | undefined;

/** As with systemd: the configured path is a symbolic link to where the socket is. */
const server = useServer({}, async (fixture) => {
  const { directory } = fixture.slot;
  mkdirSync(`${directory}/journal`);
  socket = `${directory}/journal/socket`;
  symlinkSync(socket, `${directory}/log`);
  await fixture.restart({ server: { syslog_socket: `${directory}/log`, job_output_limit: 4_000_000 } });
});

afterEach(async () => {
  await syslog?.close();
  syslog = undefined;
  rmSync(socket, { force: true });
});

async function listen(): Promise<Syslog> {
  syslog = await Syslog.listen(socket);
  return syslog;
}

/** Lets a job that waits with `read x < NAME` go on. */
async function open(client: Client, handle: string, name: string): Promise<void> {
  assert.equal((await client.run(handle, `until [ -p ${name} ]; do :; done; echo > ${name}`)).status, 0);
}

const gate = (name: string): string => `mkfifo ${name}; read x < ${name}`;

test('every line of both streams is a datagram with its priority, in order, and the output is what it was', async () => {
  const { client, handle } = await server.container();
  const log = await listen();
  const result = await client.run(handle, 'echo one; echo two >&2; printf "three\\n\\nfour\\n"; printf rest >&2; printf last; exit 3', { log_tag: 'app-1.web_2' });
  assert.deepEqual([result.status, result.stdout, result.stderr], [3, 'one\nthree\n\nfour\nlast', 'two\nrest']);
  assert.deepEqual(await log.until(/rest$/), [
    '14 warden.app-1.web_2: one', '11 warden.app-1.web_2: two', '14 warden.app-1.web_2: three', '14 warden.app-1.web_2: ', '14 warden.app-1.web_2: four',
    '14 warden.app-1.web_2: last', '11 warden.app-1.web_2: rest',
  ]);
});

test('no output can look like another line; long ones are cut', async () => {
  const { client, handle } = await server.container();
  const log = await listen();
  await client.run(handle, `printf 'a\\0b\\033[2J\\r<11>Oct 1 00:00:00 sshd: x\\xff\\xc3\\xbc\\r\\n'; head -c 1000000 /dev/zero | tr '\\0' y; echo; head -c 2000 /dev/zero; echo; echo end`, { log_tag: 'x' });
  assert.deepEqual(await log.until(/ end$/), [
    '14 warden.x: a#000b#033[2J#015<11>Oct 1 00:00:00 sshd: x#377ü', `14 warden.x: ${'y'.repeat(1024)} [998976 bytes cut]`,
    `14 warden.x: ${'#000'.repeat(1024)} [976 bytes cut]`, '14 warden.x: end',
  ]);
});

test('lines come while the job runs, followed or not, and of discarded output too', async () => {
  const { client, handle } = await server.container();
  const log = await listen();
  const jobId = await client.spawn(handle, `echo begin; ${gate('first')}; echo end; exit 4`, { log_tag: 'quiet', discard_output: true });
  assert.deepEqual(await log.until(/begin$/), ['14 warden.quiet: begin']);
  await open(client, handle, 'first');
  assert.deepEqual(await log.until(/end$/), ['14 warden.quiet: begin', '14 warden.quiet: end']);
  const result = await client.link(handle, jobId);
  assert.deepEqual([result.status, result.stdout], [4, '']);
});

test('what is discarded is logged in full, and without a tag nothing is', async () => {
  const { client, handle } = await server.container();
  const log = await listen();
  assert.equal((await client.run(handle, 'seq 500; echo silent >&2', { discard_output: true })).status, 0);
  assert.equal((await client.run(handle, 'echo silent', { log_tag: '' })).status, 0);
  const script = 'for i in {1..500}; do echo $i; echo $i >&2; done';
  assert.equal((await client.run(handle, script, { log_tag: 'n', discard_output: true })).status, 0);
  const lines = await log.until(/^<11>.*: 500$/);
  assert.deepEqual(lines, Array.from({ length: 1000 }, (_, index) => `${index % 2 === 0 ? 14 : 11} warden.n: ${Math.floor(index / 2) + 1}`));
});

test('what goes over job_output_limit is not logged', async () => {
  const { client, handle } = await server.container();
  const log = await listen();
  assert.equal((await client.run(handle, 'head -c 3999997 /dev/zero; printf "\\nab"; echo cd; exec sleep 1000', { log_tag: 'limit' })).status, 255);
  assert.deepEqual((await log.until(/: ab$/)).slice(1), ['14 warden.limit: ab']);
});

test('without a syslog jobs run as ever, and it gets the lines when it comes', async () => {
  const { client, handle } = await server.container();
  assert.equal((await client.run(handle, 'echo early; exit 5', { log_tag: 'a' })).status, 5);
  const log = await listen();
  assert.deepEqual(await log.until(/early$/), ['14 warden.a: early'], 'without a further line');
  assert.equal((await client.run(handle, 'echo late', { log_tag: 'a' })).stdout, 'late\n');
  assert.deepEqual(await log.until(/late$/), ['14 warden.a: early', '14 warden.a: late']);
});

test('a syslog that is stuck holds up nobody; what was dropped is counted, once it goes on', async () => {
  const { client, handle } = await server.container();
  const log = await listen();
  log.pause();
  const [result, other] = await Promise.all([
    client.run(handle, 'seq 100000; exit 6', { log_tag: 'busy' }),
    (await server.connect()).run(handle, 'echo other', { log_tag: 'other' }),
  ]);
  assert.deepEqual([result.status, result.stdout.length, other.stdout], [6, 588_895, 'other\n']);
  log.resume();
  const lines = (await log.until(/warden\.busy: .*lines dropped$/)).filter((line) => line.includes('warden.busy'));
  const last = lines.pop();
  const count = /^12 warden\.busy: (\d+) lines dropped$/.exec(last ?? '')?.[1] ?? assert.fail(last);
  assert.ok(lines.length > 1000, 'a good many are kept for it');
  assert.equal(lines.length + Number(count), 100_000);
  assert.deepEqual(lines, lines.map((_, index) => `14 warden.busy: ${index + 1}`));
  await client.run(handle, 'echo again', { log_tag: 'busy' });
  assert.equal((await log.until(/again$/)).at(-1), '14 warden.busy: again');
});

test('it goes on while wardend is down, and after its restart', async () => {
  const { client, handle } = await server.container();
  const log = await listen();
  const jobId = await client.spawn(handle, `echo before; ${gate('a')}; echo while; ${gate('b')}; echo after >&2`, { log_tag: 'long' });
  await log.until(/before$/);
  await client.run(handle, 'until [ -p a ]; do :; done');
  const [init] = await server.pidsOf(handle);
  await server.stop('SIGKILL');
  writeFileSync(`/proc/${init}/root/home/vcap/a`, '\n');
  await log.until(/while$/);
  await server.start();
  const again = await server.connect();
  await open(again, handle, 'b');
  const result = await again.link(handle, jobId);
  assert.deepEqual([result.status, result.stdout, result.stderr], [0, 'before\nwhile\n', 'after\n']);
  assert.deepEqual(await log.until(/after$/), ['14 warden.long: before', '14 warden.long: while', '11 warden.long: after']);
});

test('a syslog that is started anew gets the next line', async () => {
  const { client, handle } = await server.container();
  const first = await listen();
  const jobId = await client.spawn(handle, `echo one; ${gate('a')}; echo two; ${gate('b')}; echo three`, { log_tag: 'again' });
  await first.until(/one$/);
  await first.close();
  await open(client, handle, 'a');
  const stream = (await server.connect()).stream(handle, jobId);
  await streamUntil(stream, 'two');
  const second = await listen();
  await open(client, handle, 'b');
  await streamUntil(stream, 'three');
  assert.deepEqual(await second.until(/three$/), ['14 warden.again: two', '14 warden.again: three']);
});

test('the time is that of the machine\'s zone', async () => {
  const shiftMs = (13 * 60 + 37) * 60_000;
  await server.restart({ server: { syslog_socket: `${server.slot.directory}/log` }, environment: { ...process.env, TZ: 'FAR-13:37' } });
  const { client, handle } = await server.container();
  const log = await listen();
  await client.run(handle, 'echo far', { log_tag: 'zone' });
  await log.untilDatagram(/far$/);
  const time = /^<14>(\w+ [ \d]\d [\d:]+) warden/.exec(log.datagrams[0] ?? '')?.[1] ?? assert.fail(log.datagrams[0]);
  const offset = Date.parse(`${time} ${new Date(Date.now() + shiftMs).getUTCFullYear()} UTC`) - Date.now();
  assert.ok(Math.abs(offset - shiftMs) < 60_000, `${time} is ${offset} ms from UTC`);
});

test('a tag that is more than a name is refused, and nothing is started', async () => {
  const { client, handle } = await server.container();
  for (const tag of ['a b', 'x: y', 'a\nb', '$(id)', '../x', 'ü', 'x'.repeat(65)]) {
    await refused(client.spawn(handle, 'true', { log_tag: tag }), 'invalid_argument', /^log_tag: ".+" is not 1 to 64 letters, digits/);
  }
  assert.deepEqual((await client.info(handle)).job_ids, []);
});

test('a directory that is not there does not keep a container from being made', async () => {
  await server.restart({ server: { syslog_socket: '/nonexistent/warden/log' } });
  assert.match(server.daemon.log, /the directory of syslog's socket .* does not exist/);
  const { client, handle } = await server.container();
  assert.equal((await client.run(handle, 'echo x', { log_tag: 'x' })).stdout, 'x\n');
});
