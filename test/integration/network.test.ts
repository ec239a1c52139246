/* The network: nothing is reachable from a container by default, everything of it from the host. */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { SHORT_PATIENCE } from '../harness/patience.js';
import { mustRun, runProgram } from '../harness/run-program.js';
import { World, WORLD_PORT } from '../harness/world.js';

let world: World;
let hostTcp: net.Server;
let hostUdp: dgram.Socket;
const hostContacts: string[] = [];
let hostPort = 0;

/** A /30 that is used again at once still has its old link for some milliseconds, which takes the first packets. */
const REST = { release_delay: 5 };
const server = useServer({ network: REST }, async ({ slot }) => {
  world = await World.open(slot);
  hostTcp = net.createServer((socket) => { hostContacts.push(`tcp ${socket.remoteAddress}`); socket.end('host\n'); });
  hostTcp.listen(0, '::');
  await once(hostTcp, 'listening');
  hostPort = (hostTcp.address() as net.AddressInfo).port;
  hostUdp = dgram.createSocket('udp4', (_, remote) => hostContacts.push(`udp ${remote.address}`));
  hostUdp.bind(hostPort);
  await once(hostUdp, 'listening');
});
after(async () => {
  hostTcp.close();
  hostUdp.close();
  await world.close();
});

/** Connects by TCP from inside; `open` with the peer's first line, or `closed`. Who expects an answer waits longer for it. */
async function dial(client: Client, handle: string, address: string, port: number, seconds = 1): Promise<string> {
  const { stdout } = await client.run(handle, `timeout ${seconds * SHORT_PATIENCE} bash -c 'exec 3<>/dev/tcp/${address}/${port} && echo open; echo hi >&3; head -n 1 <&3' 2>/dev/null || echo closed`);
  return stdout.replace('\n', ' ').trim();
}

async function throwDatagrams(client: Client, handle: string, address: string, port: number): Promise<void> {
  await client.run(handle, `for i in 1 2 3; do echo from-${handle} > /dev/udp/${address}/${port}; done 2>/dev/null`);
}

/** A listener inside a container; resolves when it listens. */
async function listen(handle: string, port: number): Promise<{ stop: () => Promise<void> }> {
  const client = await server.connect();
  const script = `exec perl -MIO::Socket::INET -e '$| = 1; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0:${port}", ReuseAddr => 1) or die $!; `
    + 'print "listening\n"; while (my $c = $l->accept) { print "accepted ", $c->peerhost, "\n"; print $c "inside\n"; close $c }\'';
  const jobId = await client.spawn(handle, script);
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'listening');
  watcher.close();
  return { stop: () => client.stop(handle, { kill: true }) };
}

test('the host reaches a container, and its answer arrives', async () => {
  const { client, handle } = await server.container();
  const { container_ip } = await client.info(handle);
  await listen(handle, 5000);
  const socket = net.connect(5000, container_ip);
  const [data] = await once(socket, 'data') as [Buffer];
  assert.equal(data.toString(), 'inside\n');
  socket.destroy();
});

test('the host reaches a container by ICMP', async () => {
  const { client, handle } = await server.container();
  const { container_ip } = await client.info(handle);
  await mustRun('ping', ['-c', '1', '-W', '2', container_ip]);
});

test('a container reaches no service of the host, on any of its addresses', async () => {
  const { client, handle } = await server.container();
  const { host_ip } = await client.info(handle);
  const addresses = Object.values(networkInterfaces()).flat().filter((entry) => entry?.family === 'IPv4' && !entry.internal).map((entry) => entry?.address ?? '');
  assert.ok(addresses.includes(host_ip));
  hostContacts.length = 0;
  for (const address of new Set([host_ip, world.hostAddress, ...addresses])) {
    assert.equal(await dial(client, handle, address, hostPort), 'closed', address);
    await throwDatagrams(client, handle, address, hostPort);
    assert.notEqual((await client.run(handle, `/probes/ping -c 1 -W 1 ${address}`)).status, 0);
  }
  // The host's own datagram is the last: when it is there, theirs would have been.
  const socket = dgram.createSocket('udp4');
  const arrived = once(hostUdp, 'message');
  socket.send('mark', hostPort, '127.0.0.1');
  await arrived;
  socket.close();
  assert.deepEqual(hostContacts, ['udp 127.0.0.1']);
});

test('the same service is open from the host itself', async () => {
  const socket = net.connect(hostPort, '127.0.0.1');
  const [data] = await once(socket, 'data') as [Buffer];
  assert.equal(data.toString(), 'host\n');
  socket.destroy();
});

test('containers do not reach one another by TCP, UDP or ICMP', async () => {
  const containers = [await server.container(), await server.container(), await server.container()];
  for (const { handle } of containers) await listen(handle, 5001);
  for (const { client, handle } of containers) {
    for (const other of containers) {
      const { container_ip } = await other.client.info(other.handle);
      const own = other.handle === handle;
      assert.equal(await dial(client, handle, container_ip, 5001, own ? 10 : 1), own ? 'open inside' : 'closed');
      if (!own) assert.notEqual((await client.run(handle, `/probes/ping -c 1 -W 1 ${container_ip}`)).status, 0);
    }
  }
});

test('the world is closed by default', async () => {
  const { client, handle } = await server.container();
  world.contacts.length = 0;
  assert.equal(await dial(client, handle, world.address, WORLD_PORT), 'closed');
  await throwDatagrams(client, handle, world.address, WORLD_PORT);
  assert.notEqual((await client.run(handle, `/probes/ping -c 1 -W 1 ${world.address}`)).status, 0);
  await world.flush();
  assert.deepEqual(world.contacts.filter(({ from }) => from !== world.hostAddress), []);
  assert.ok(!world.contacts.some(({ data }) => data.includes('from-')), JSON.stringify(world.contacts));
});

test('the world does not reach a container', async () => {
  const { client, handle } = await server.container();
  const { container_ip } = await client.info(handle);
  await listen(handle, 5002);
  const probe = ['timeout', String(SHORT_PATIENCE), 'bash', '-c', `exec 3<>/dev/tcp/${container_ip}/5002`];
  const [program = '', ...args] = [...world.enter, ...probe];
  assert.notEqual((await runProgram(program, args)).status, 0);
  // The same from the host is open, so it is not the listener that is missing.
  assert.equal((await runProgram('timeout', [String(2 * SHORT_PATIENCE), 'bash', '-c', `exec 3<>/dev/tcp/${container_ip}/5002`])).status, 0);
});

test('a reply to what the host began passes', async () => {
  const { client, handle } = await server.container();
  const { container_ip } = await client.info(handle);
  const watcher = await server.connect();
  const jobId = await client.spawn(handle, 'exec perl -MIO::Socket::INET -e \'$| = 1; my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "0.0.0.0:5003") or die $!; '
    + 'print "bound\n"; $s->recv(my $d, 100); $s->send("re: $d")\'');
  await streamUntil(watcher.stream(handle, jobId), 'bound');
  const socket = dgram.createSocket('udp4');
  const answer = once(socket, 'message');
  socket.send('hello', 5003, container_ip);
  assert.equal(String((await answer)[0]), 're: hello');
  socket.close();
});

test('allow_networks opens exactly the networks it names, through masquerade', async () => {
  await server.restart({ network: { ...REST, allow_networks: [world.network] } });
  try {
    const { client, handle } = await server.container();
    world.contacts.length = 0;
    assert.equal(await dial(client, handle, world.address, WORLD_PORT, 10), 'open hi');
    assert.ok(world.contacts.every(({ from }) => from === world.hostAddress), JSON.stringify(world.contacts));
    await throwDatagrams(client, handle, world.address, WORLD_PORT);
    await world.contact(({ protocol, data }) => protocol === 'udp' && data.includes('from-'));
    assert.equal((await client.run(handle, `/probes/ping -c 1 -W 2 ${world.address}`)).status, 0);
    // The host's own address on that network is the host, not the world.
    assert.equal(await dial(client, handle, world.hostAddress, hostPort), 'closed');
  } finally {
    await server.restart({ network: REST });
  }
});

test('deny_networks wins over allow_networks', async () => {
  await server.restart({ network: { ...REST, allow_networks: ['0.0.0.0/0'], deny_networks: [world.network] } });
  try {
    const { client, handle } = await server.container();
    assert.equal(await dial(client, handle, world.address, WORLD_PORT), 'closed');
    const { host_ip } = await client.info(handle);
    assert.equal(await dial(client, handle, host_ip, hostPort), 'closed', 'a wildcard does not open the host');
  } finally {
    await server.restart({ network: REST });
  }
});

test('allow_host_access opens the host', async () => {
  await server.restart({ network: { ...REST, allow_host_access: true } });
  try {
    const { client, handle } = await server.container();
    const { host_ip } = await client.info(handle);
    assert.equal(await dial(client, handle, host_ip, hostPort, 10), 'open host');
  } finally {
    await server.restart({ network: REST });
  }
});

test('there is no IPv6: no address inside, none on the host\'s end, no socket', async () => {
  const { client, handle } = await server.container({ handle: 'six' });
  // The loopback interface has ::1 from the moment it is up; no socket can use it.
  assert.equal(output(await client.run(handle, 'grep -v " lo$" /proc/net/if_inet6; true')), '');
  const inside = await client.run(handle, 'perl -MSocket -e \'socket(my $s, 10, SOCK_STREAM, 0) or die "refused: $!\n"; print "made\n"\'');
  assert.deepEqual([inside.stdout, /refused/.test(inside.stderr)], ['', true]);
  const hostEnd = Object.entries(networkInterfaces()).find(([name]) => name === 'w-six-0');
  assert.ok(hostEnd);
  // A link-local address of the host's end may be there; nothing that arrives by IPv6 reaches a service.
  const [pid] = await server.pidsOf(handle);
  const address = (await mustRun('ip', ['-6', '-json', 'address', 'show', 'dev', 'w-six-0'])).match(/fe80::[0-9a-f:]+/)?.[0];
  if (address !== undefined) {
    hostContacts.length = 0;
    await runProgram('nsenter', ['--net', '--target', String(pid), 'timeout', '1', 'bash', '-c', `exec 3<>/dev/tcp/${address}%w-six-1/${hostPort}`]);
    assert.deepEqual(hostContacts, []);
  }
});
