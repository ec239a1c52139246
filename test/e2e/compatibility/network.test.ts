/* The network of a container, net_out and net_in. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { refused, says, testWith, useAnyServer } from '../../harness/any-server.js';
import type { Client, NetOut } from '../../harness/client.js';
import { streamUntil } from '../../harness/expect.js';
import { withDeadline } from '../../harness/wait.js';

const server = useAnyServer();
const [TCP, UDP, ICMP, ALL] = [0, 1, 2, 3];

/** A server in a container that greets whoever connects. */
async function listenInside(handle: string, port: number): Promise<void> {
  const client = await server.connect();
  const jobId = await client.spawn(handle, `exec perl -MIO::Socket::INET -e '$| = 1; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0:${port}", ReuseAddr => 1) or die $!; print "listening\n"; while (my $c = $l->accept) { print $c "hello\n"; close $c }'`);
  await streamUntil((await server.connect()).stream(handle, jobId), 'listening');
}

/** What a container hears at an address, or `closed`. A packet that is dropped is waited for as long as an answer could take. */
async function knock(client: Client, handle: string, address: string, port: number, seconds: number): Promise<string> {
  return (await client.run(handle, `timeout ${seconds} bash -c 'exec 3<>/dev/tcp/${address}/${port} && head -n 1 <&3' 2>/dev/null || echo closed`)).stdout.trim();
}

testWith(['network'], 'the host reaches a container; a container reaches no other and not the host, until net_out says so', async () => {
  const [one, two] = [await server.container(), await server.container()];
  await listenInside(two.handle, 8080);
  const { container_ip: address } = await two.client.info(two.handle);
  const socket = net.connect(8080, address);
  const [greeting] = await withDeadline(once(socket, 'data'), 5_000, 'the container\'s greeting') as [Buffer];
  socket.destroy();
  assert.equal(greeting.toString(), 'hello\n');
  assert.equal(await knock(one.client, one.handle, address, 8080, 1), 'closed');
  await one.client.netOut(one.handle, { network: address, port: 8080 });
  assert.equal(await knock(one.client, one.handle, address, 8080, 10), 'hello');
});

testWith(['network'], 'a container does not reach the host', async () => {
  const { client, handle } = await server.container();
  const { host_ip: address } = await client.info(handle);
  let knocks = 0;
  const listener = net.createServer((socket) => {
    knocks++;
    socket.end('hello\n');
  }).listen(0, address);
  await once(listener, 'listening');
  try {
    const bound = listener.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    assert.equal(await knock(client, handle, address, bound.port, 1), 'closed');
    assert.equal(knocks, 0);
  } finally {
    listener.close();
  }
});

testWith(['network'], 'net_out takes every form', async () => {
  const { client, handle } = await server.container();
  const rules: NetOut[] = [
    { network: '192.0.2.1' }, { network: '192.0.2.0/24' }, { network: '192.0.2.1-192.0.2.9' }, { port: 53 }, { port_range: '8080:8090' }, { network: '192.0.2.1', port: 80, protocol: TCP },
    { network: '192.0.2.1', port: 53, protocol: UDP }, { network: '192.0.2.1', protocol: ICMP }, { network: '192.0.2.1', protocol: ICMP, icmp_type: 8, icmp_code: 0 }, { network: '192.0.2.1', protocol: ICMP, icmp_type: -1, icmp_code: -1 },
    { network: '192.0.2.1', protocol: ALL }, { network: '192.0.2.0/24', port: 443, log: true },
  ];
  for (const rule of rules) await client.netOut(handle, rule);
});

test('net_out without network, port and range is refused, and so is a range that is none', async () => {
  const { client, handle } = await server.container();
  await refused(client.netOut(handle, {}), 'invalid_argument', /^Please specify network, port, and\/or port_range/);
  for (const port_range of ['9:8', '8:8']) await refused(client.netOut(handle, { port_range }), 'invalid_argument', /^Port range maximum must be greater than minimum/);
  await refused(client.netOut(server.name('nobody'), { port: 53 }), 'not_found', /^unknown handle$/);
});

test('net_in gives a port of the host, the container\'s the same unless given; no two are alike', async () => {
  const { client, handle } = await server.container();
  const first = await client.netIn(handle);
  assert.equal(first.container_port, first.host_port);
  assert.ok(first.host_port > 1024 && first.host_port < 65_536);
  const second = await client.netIn(handle);
  const other = await server.container();
  const third = await other.client.netIn(other.handle);
  assert.equal(new Set([first.host_port, second.host_port, third.host_port]).size, 3);
  await refused(client.netIn(server.name('nobody')), 'not_found', /^unknown handle$/);
});

testWith(['network'], 'net_in with a port of the container\'s own', async () => {
  const { client, handle } = await server.container();
  const { container_port: port, host_port: first } = await client.netIn(handle, { container_port: 8080 });
  assert.equal(port, 8080);
  assert.notEqual((await client.netIn(handle, { container_port: 8080 })).host_port, first);
});

testWith(['network', 'better'], 'a port of the host leads to one container alone', async () => {
  const [one, two] = [await server.container(), await server.container()];
  const { host_port: port } = await one.client.netIn(one.handle, { container_port: 8080 });
  await says(two.client.netIn(two.handle, { host_port: port, container_port: 8080 }), /./);
});
