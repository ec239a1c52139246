/* C9: a port of the host is its owner's alone: the host's own programs, another container, another server and what lies outside of the pool keep theirs. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { RequestError } from '../harness/client.js';
import { EchoServer } from '../harness/echo-server.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { streamUntil } from '../harness/expect.js';

/** Of a program of the host, on all its addresses. */
const HOST_PORT = 2222;
const REST = { release_delay: 5 };
let lan: Lan;
let hostEcho: EchoServer;
const server = useServer({ networkNamespace: true, network: REST }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
  hostEcho = await EchoServer.start(namespace, [`0.0.0.0:${HOST_PORT}`]);
});
after(async () => {
  await hostEcho.close();
  await lan.close();
});

/** A listener inside that says whose it is. */
async function container(name: string, port = 8080): Promise<{ client: Client; handle: string; ip: string }> {
  const { client, handle } = await server.container({ handle: name });
  const script = `exec perl -MIO::Socket::INET -e '$| = 1; my $l = IO::Socket::INET->new(Listen => 50, LocalAddr => "0.0.0.0:${port}", ReuseAddr => 1) or die $!; `
    + `print "listening\\n"; while (my $c = $l->accept) { print $c "${name}\\n"; close $c }'`;
  const job = await client.spawn(handle, script);
  await streamUntil((await server.connect()).stream(handle, job), 'listening');
  return { client, handle, ip: (await client.info(handle)).container_ip };
}

/** The first line that a TCP connection from there brings, or `closed`. */
async function lineFrom(place: { attempt(program: string, args: readonly string[]): Promise<{ stdout: string }> }, address: string, port: number): Promise<string> {
  const { stdout } = await place.attempt('timeout', ['5', 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port} 2>/dev/null && echo hi >&3 && head -n 1 <&3 || echo closed`]);
  return stdout.trim();
}

const lineInside = async (client: Client, handle: string, address: string, port: number): Promise<string> =>
  (await client.run(handle, `timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/${port} && echo hi >&3 && head -n 1 <&3' 2>/dev/null || echo closed`)).stdout.trim();

async function refusal(request: Promise<unknown>): Promise<string> {
  const error = await request.then((answer) => assert.fail(`got ${JSON.stringify(answer)}`), (reason: unknown) => reason);
  assert.ok(error instanceof RequestError, String(error));
  assert.notEqual(error.code, 'internal', error.message);
  return error.code;
}

test('C9: another container\'s port cannot be taken, whoever asks and how often', async () => {
  const [owner, thief] = [await container('owner'), await container('thief')];
  const { host_port: port } = await owner.client.request('net_in', { handle: 'owner', container_port: 8080 }) as { host_port: number };
  assert.equal(await lineFrom(lan.neighbour.namespace, lan.hostAddress, port), 'owner');
  for (let round = 0; round < 3; round++) await refusal(thief.client.request('net_in', { handle: 'thief', host_port: port, container_port: 8080 }));
  await refusal(owner.client.request('net_in', { handle: 'owner', host_port: port, container_port: 8081 }));
  await refusal(thief.client.request('net_in', { handle: 'thief', host_port: port, remove: true }));
  for (const place of [lan.neighbour.namespace, lan.router.namespace, server.namespace]) assert.equal(await lineFrom(place, lan.hostAddress, port), 'owner');
});

test('C9: of twenty that ask for one port at once one gets it', async () => {
  const members = await Promise.all([0, 1, 2, 3].map((place) => container(`racer${place}`)));
  const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect()));
  const outcomes = await Promise.all(clients.map(async (client, place) => {
    const { handle = '' } = members[place % members.length] ?? {};
    return await client.request('net_in', { handle, host_port: 9100, container_port: 8080 }).then(() => handle, async (error: unknown) => (await refusal(Promise.reject(error))) && '');
  }));
  const winners = outcomes.filter((handle) => handle !== '');
  assert.equal(winners.length, 1);
  assert.equal(await lineFrom(lan.neighbour.namespace, lan.hostAddress, 9100), winners[0]);
});

test('C9: a program of the host keeps its port, as do those that are no ports', async () => {
  const { client, handle } = await container('grab');
  for (const port of [HOST_PORT, 0, 65_536, 70_000, 4_294_967_295]) await refusal(client.request('net_in', { handle, host_port: port, container_port: 8080 }));
  for (const port of [0, 65_536, 70_000, 4_294_967_295]) await refusal(client.request('net_in', { handle, host_port: 9200, container_port: port }));
  assert.equal(await lineFrom(lan.neighbour.namespace, lan.hostAddress, HOST_PORT), 'hi');
  assert.equal(await lineFrom(lan.neighbour.namespace, lan.hostAddress, 9200), 'closed', 'nothing was opened by what was refused');
  assert.deepEqual((await client.info(handle) as unknown as { net_in: unknown[] }).net_in, []);
});

test('C9: a mapping catches nothing that goes elsewhere: not the container\'s own traffic, not what is forwarded', async () => {
  const { client, handle } = await container('catch');
  await client.request('net_in', { handle, host_port: ECHO_PORT, container_port: 8080 });
  await client.request('net_out', { handle, network: lan.internetAddress });
  await client.request('net_out', { handle, network: lan.neighbour.address });
  assert.equal(await lineFrom(lan.router.namespace, lan.hostAddress, ECHO_PORT), 'catch', 'the mapping works');
  assert.equal(await lineInside(client, handle, lan.internetAddress, ECHO_PORT), 'hi', 'the same port of the internet\'s server');
  assert.equal(await lineInside(client, handle, lan.neighbour.address, ECHO_PORT), 'hi', 'the same port of a neighbour');
  assert.equal(await lineFrom(server.namespace, lan.neighbour.address, ECHO_PORT), 'hi', 'the same port from the host');
});

test('C9: by a port of the host a container gets nowhere that its rules do not allow', async () => {
  const [owner, other] = [await container('door'), await container('other')];
  await owner.client.request('net_in', { handle: 'door', host_port: 9300, container_port: 8080 });
  for (const address of [lan.hostAddress, (await other.client.info('other')).host_ip, (await owner.client.info('door')).host_ip, owner.ip]) {
    assert.equal(await lineInside(other.client, 'other', address, 9300), 'closed', address);
    assert.equal(await lineInside(other.client, 'other', address, 8080), 'closed', address);
  }
  await other.client.request('net_out', { handle: 'other', network: '0.0.0.0/0' });
  assert.equal(await lineInside(other.client, 'other', lan.hostAddress, 9300), 'closed', 'a wildcard does not name another container');
  await other.client.request('net_out', { handle: 'other', network: owner.ip, port: 8080 });
  assert.equal(await lineInside(other.client, 'other', lan.hostAddress, 9300), 'door', 'the probe can succeed');
});

test('C9: nothing but the port is open from outside', async () => {
  const { client, handle, ip } = await container('narrow');
  await client.request('net_in', { handle, host_port: 9400, container_port: 8080 });
  for (const port of [8080, 9400]) assert.equal(await lineFrom(lan.neighbour.namespace, ip, port), 'closed', `the container's own address, port ${port}`);
  assert.equal(await lineFrom(lan.neighbour.namespace, lan.hostAddress, 8080), 'closed');
  assert.equal(await lineFrom(lan.neighbour.namespace, lan.hostAddress, 9400), 'narrow');
});
