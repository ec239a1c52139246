/* limit_bandwidth: what the kernel has of it, what it does to packets in both directions, and that it is there for as long as its container. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { basename } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { listLinks } from '../harness/links.js';
import { isAlive } from '../harness/processes.js';
import { mustRun, runProgram } from '../harness/run-program.js';
import { untilSeen, withDeadline } from '../harness/wait.js';

/** A /30 that is used again at once still has its old link for some milliseconds, which takes the first packets. */
const server = useServer({ network: { release_delay: 5 } });
const UNLIMITED = 4_294_967_295n;
const PORT = 7000;

interface Disc { readonly kind: string; readonly options: { readonly rate?: number } }

async function setLimit(client: Client, handle: string, rate: bigint | number, burst: bigint | number): Promise<unknown> {
  return await client.request('limit_bandwidth', { handle, rate: BigInt(rate), burst: BigInt(burst) });
}

async function bandwidthOf(client: Client, handle: string): Promise<unknown> {
  return (await client.info(handle)).bandwidth_stat;
}

function both(rate: bigint, burst: bigint): object {
  return { in_rate: rate, in_burst: burst, out_rate: rate, out_burst: burst };
}

/** Rates in bytes per second that tc(8) finds on a link's host end and on its ifb; and whether the one's packets are redirected to the other. */
async function seenByTc(name: string): Promise<{ rates: (number | undefined)[]; redirected: boolean }> {
  const rates = await Promise.all([`w-${name}-0`, `w-${name}-2`].map(async (device) => {
    const { stdout } = await runProgram('tc', ['-json', 'qdisc', 'show', 'dev', device]);
    return stdout === '' ? undefined : (JSON.parse(stdout) as Disc[]).find(({ kind }) => kind === 'tbf')?.options.rate;
  }));
  const filters = await mustRun('tc', ['filter', 'show', 'dev', `w-${name}-0`, 'ingress']);
  return { rates, redirected: filters.includes(`Egress Redirect to device w-${name}-2`) };
}

async function hasInterface(name: string): Promise<boolean> {
  return (await listLinks()).some((link) => link.name === name);
}

/** A server in the container that takes or sends as many bytes as it is told. */
async function listen(handle: string): Promise<void> {
  const client = await server.connect();
  const script = `exec perl -MIO::Socket::INET -e '$| = 1; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0:${PORT}", ReuseAddr => 1) or die $!; print "listening\n";
    while (my $c = $l->accept) { my ($what, $left) = split " ", <$c>; my $data = "x" x 65536;
      while ($left > 0) { my $part = $left < 65536 ? $left : 65536; my $n = $what eq "send" ? syswrite($c, $data, $part) : read($c, $data, $part); last unless $n; $left -= $n }
      syswrite($c, "done\n"); close $c }'`;
  const jobId = await client.spawn(handle, script);
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'listening');
  watcher.close();
}

/** Seconds until `bytes` have gone from the container (send) or to it (take). */
async function transfer(address: string, what: 'send' | 'take', bytes: number): Promise<number> {
  const socket = net.connect(PORT, address);
  await once(socket, 'connect');
  const begin = performance.now();
  socket.write(`${what} ${bytes}\n`);
  if (what === 'take') socket.write(Buffer.alloc(bytes));
  let received = 0;
  socket.on('data', (chunk) => { received += chunk.length; });
  await withDeadline(once(socket, 'close'), 30_000, `${what} of ${bytes} bytes`);
  assert.equal(received, (what === 'send' ? bytes : 0) + 'done\n'.length);
  return (performance.now() - begin) / 1000;
}

test('without a limit info has the largest numbers, and the host no interface for it', async () => {
  const { client, handle } = await server.container({ handle: 'bw-none' });
  assert.deepEqual(await bandwidthOf(client, handle), both(UNLIMITED, UNLIMITED));
  assert.equal(await hasInterface('w-bw-none-2'), false);
});

test('a limit is in force in both directions, and read back exactly, whatever its size', async () => {
  const { client, handle } = await server.container({ handle: 'bw-set' });
  for (const [rate, burst] of [[100_000n, 1000n], [1n, 1n], [5_000_000_000n, 123_456_789n], [12_345_678n, 2n ** 31n], [2n ** 40n, 65_537n]] as const) {
    assert.deepEqual(await setLimit(client, handle, rate, burst), { rate, burst });
    assert.deepEqual(await bandwidthOf(client, handle), both(rate, burst));
    assert.deepEqual(await seenByTc('bw-set'), { rates: [Number(rate), Number(rate)], redirected: true });
  }
  const { info } = await client.run(handle, 'true');
  assert.deepEqual(info.bandwidth_stat, both(2n ** 40n, 65_537n), 'the reply of a run tells it, too');
});

test('numbers that are no limit are refused, and leave what was', async () => {
  const { client, handle } = await server.container({ handle: 'bw-bad' });
  for (const [rate, burst] of [[0n, 1000n], [1000n, 0n], [2n ** 40n + 1n, 1n], [1n, 2n ** 31n + 1n], [2n ** 63n, 2n ** 63n], [2n ** 64n - 1n, 2n ** 64n - 1n]] as const) {
    await refused(setLimit(client, handle, rate, burst), 'invalid_argument', /^(rate|burst) \d+: must be between 1 and \d+ bytes/);
  }
  assert.deepEqual(await bandwidthOf(client, handle), both(UNLIMITED, UNLIMITED));
  assert.equal(await hasInterface('w-bw-bad-2'), false);
  await setLimit(client, handle, 1000n, 2000n);
  await refused(setLimit(client, handle, 0n, 0n), 'invalid_argument', /rate/);
  assert.deepEqual(await bandwidthOf(client, handle), both(1000n, 2000n));
  await refused(setLimit(client, 'nobody', 1n, 1n), 'not_found', /^unknown handle$/);
});

test('packets of both directions keep to the limit, and are faster with a higher one', async () => {
  const { client, handle } = await server.container({ handle: 'bw-speed' });
  const { container_ip: address } = await client.info(handle);
  await listen(handle);
  const [bytes, burst, slow, fast] = [1_200_000, 50_000, 1_000_000, 8_000_000];
  const unlimited = { send: await transfer(address, 'send', bytes), take: await transfer(address, 'take', bytes) };
  for (const what of ['send', 'take'] as const) {
    const seconds: number[] = [];
    for (const rate of [slow, fast]) {
      await setLimit(client, handle, rate, burst);
      const took = await transfer(address, what, bytes);
      // A full bucket and what has flowed into it since: more cannot have come through, however fast or slow the machine is.
      assert.ok(bytes <= burst + rate * took, `${what} at ${rate} B/s took ${took} s`);
      seconds.push(took);
    }
    assert.ok(seconds[0]! > 2 * seconds[1]!, `${what}: eight times the rate is much faster: ${seconds.join(' s, ')} s`);
    assert.ok(seconds[0]! > 2 * unlimited[what], `${what}: no limit is faster than a low one: ${unlimited[what]} s`);
  }
});

test('what a container may not reach it does not reach by the way round its packets take now', async () => {
  const { client, handle } = await server.container({ handle: 'bw-deny' });
  const other = await server.container({ handle: 'bw-deny2' });
  await listen(other.handle);
  const { container_ip: address } = await other.client.info(other.handle);
  const { host_ip: host } = await client.info(handle);
  await setLimit(client, handle, 10_000_000n, 100_000n);
  await setLimit(client, other.handle, 10_000_000n, 100_000n);
  const contacts: string[] = [];
  const hostServer = net.createServer((socket) => { contacts.push('contact'); socket.destroy(); });
  hostServer.listen(0, '0.0.0.0');
  await once(hostServer, 'listening');
  for (const [to, port] of [[address, PORT], [host, (hostServer.address() as net.AddressInfo).port]] as const) {
    const { stdout } = await client.run(handle, `timeout 1 bash -c 'exec 3<>/dev/tcp/${to}/${port} && echo open' 2>/dev/null || echo closed`);
    assert.equal(stdout, 'closed\n', to);
  }
  hostServer.close();
  assert.deepEqual(contacts, []);
  assert.ok(await transfer(address, 'send', 1000) > 0, 'the host reaches it, and the answer arrives');
});

test('a stopped container can be limited; a destroyed one has left nothing when the reply comes', async () => {
  const { client, handle } = await server.container({ handle: 'bw-end' });
  await client.stop(handle);
  await setLimit(client, handle, 1000n, 2000n);
  assert.deepEqual(await bandwidthOf(client, handle), both(1000n, 2000n));
  assert.equal(await hasInterface('w-bw-end-2'), true);
  await client.destroy(handle);
  assert.equal(await hasInterface('w-bw-end-2'), false);
});

test('an interface that is named by the container\'s id goes, too, and so do many at once', async () => {
  const client = await server.connect();
  const handles = await Promise.all(Array.from({ length: 8 }, (_, index) => client.create({ handle: `a handle too long for an interface ${index}` })));
  for (const handle of handles) {
    server.handles.add(handle);
    await setLimit(client, handle, 1000n, 2000n);
  }
  const names = await Promise.all(handles.map(async (handle) => `w-${basename((await client.info(handle)).container_path)}-2`));
  for (const name of names) assert.equal(await hasInterface(name), true, name);
  const others = await Promise.all(handles.map(async () => await server.connect()));
  await Promise.all(handles.map((handle, index) => others[index]!.destroy(handle)));
  for (const name of names) assert.equal(await hasInterface(name), false, name);
});

test('a limit is in force after kill -9 and a start, and set again when it is gone meanwhile', async () => {
  const { client, handle } = await server.container({ handle: 'bw-again' });
  await setLimit(client, handle, 300_000n, 4000n);
  const whole = { rates: [300_000, 300_000], redirected: true };
  const losses: [string, string[] | undefined][] = [
    ['nothing', undefined],
    ['the disc of the host end', ['qdisc', 'delete', 'dev', 'w-bw-again-0', 'root']],
    ['the redirection', ['qdisc', 'delete', 'dev', 'w-bw-again-0', 'ingress']],
    ['the rate', ['qdisc', 'change', 'dev', 'w-bw-again-2', 'root', 'handle', '1:', 'tbf', 'rate', '8gbit', 'burst', '100000', 'limit', '1000000']],
  ];
  for (const [what, change] of losses) {
    await server.stop('SIGKILL');
    if (change !== undefined) await mustRun('tc', change);
    await server.start();
    assert.deepEqual(await bandwidthOf(await server.connect(), handle), both(300_000n, 4000n), what);
    assert.deepEqual(await seenByTc('bw-again'), whole, what);
    assert.equal(server.daemon.log.includes('was not in force, and is set again'), change !== undefined, what);
  }
  await server.stop('SIGTERM');
  await mustRun('ip', ['link', 'delete', 'w-bw-again-2']);
  await server.start();
  assert.deepEqual(await seenByTc('bw-again'), whole, 'the ifb');
  const again = await server.connect();
  await setLimit(again, handle, 400_000n, 5000n);
  assert.deepEqual(await seenByTc('bw-again'), { rates: [400_000, 400_000], redirected: true });
});

test('a container that died with a damaged snapshot leaves no interface', async () => {
  const { client, handle } = await server.container({ handle: 'bw-stray' });
  await setLimit(client, handle, 300_000n, 4000n);
  const { container_path: directory } = await client.info(handle);
  const pids = await server.pidsOf(handle);
  await server.stop('SIGKILL');
  writeFileSync(`${directory}/snapshot.json`, 'damaged');
  process.kill(Number.parseInt(readFileSync(`${directory}/run/monitor.pid`, 'utf8'), 10), 'SIGKILL');
  await untilSeen('the end of what was killed', () => !pids.some(isAlive), () => pids.filter(isAlive).join());
  await server.start();
  assert.equal(await hasInterface('w-bw-stray-2'), false);
});

test('a launcher that dies takes no limit with it, and the next one sets and removes them', async () => {
  const { client, handle } = await server.container({ handle: 'bw-launch' });
  await setLimit(client, handle, 300_000n, 4000n);
  process.kill(server.daemon.launcherPid, 'SIGKILL');
  assert.deepEqual(await setLimit(client, handle, 500_000n, 4000n), { rate: 500_000n, burst: 4000n });
  assert.deepEqual(await seenByTc('bw-launch'), { rates: [500_000, 500_000], redirected: true });
  await client.destroy(handle);
  assert.equal(await hasInterface('w-bw-launch-2'), false);
  await server.restart();
});
