/*
 * net_in: ports of the host that lead to a container. The daemon has a network of its own, so that the ports are its alone, with machines around it
 * to knock from outside.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RequestError } from '../harness/client.js';
import { ask, knock, knockFrom, listenInside, Peer } from '../harness/conversations.js';
import { EchoServer } from '../harness/echo-server.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { SHORT_PATIENCE as SHORT } from '../harness/patience.js';

let lan: Lan;
let pool = '';
const server = useServer({ networkNamespace: true }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
  pool = slot.network.split('.').slice(0, 2).join('.');
});
after(() => lan.close());

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'no error', (error: unknown) => (error instanceof RequestError ? error.code : String(error)));
}

test('a port of the host leads to the container, from outside and from the host itself, and the peer is who it is', async () => {
  const { client, handle } = await server.container();
  const inside = await listenInside(server, handle, 'tcp', 8080, 'inside');
  const { host_port, container_port } = await client.netIn(handle, { container_port: 8080 });
  assert.deepEqual([host_port, container_port], [server.slot.startPort, 8080]);
  for (const { namespace, address } of [lan.neighbour, lan.router]) {
    assert.equal(await knock(namespace, lan.hostAddress, host_port), 'inside');
    await inside.until(`from ${address}`);
  }
  assert.equal(await knock(server.namespace, lan.hostAddress, host_port), 'inside');
  assert.equal(await knock(server.namespace, '127.0.0.1', host_port, SHORT), 'closed', 'loopback is the machine\'s own');
  const { container_ip, net_in } = await client.info(handle);
  assert.deepEqual(net_in.map((each) => ({ ...each })), [{ host_port, container_port, protocol: 0 }]);
  assert.equal(await knock(lan.neighbour.namespace, container_ip, 8080, SHORT), 'closed', 'the container itself is not open');
  assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, host_port + 1, SHORT), 'closed');
});

test('the same port unless another is given; own ports; two that lead to one port', async () => {
  const { client, handle } = await server.container();
  await listenInside(server, handle, 'tcp', 8080, 'inside');
  assert.deepEqual({ ...await client.netIn(handle, { host_port: 8080 }) }, { host_port: 8080, container_port: 8080 });
  assert.deepEqual({ ...await client.netIn(handle, { host_port: 443, container_port: 8080 }) }, { host_port: 443, container_port: 8080 });
  for (const port of [8080, 443]) assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, port), 'inside');
  await client.netIn(handle, { host_port: 8080, remove: true });
  assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, 8080, SHORT), 'closed');
  assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, 443), 'inside', 'the other one stays');
});

test('UDP, also for who has asked in vain before', async () => {
  const { client, handle } = await server.container();
  const inside = await listenInside(server, handle, 'udp', 5353, 'inside');
  const peer = Peer.asking(lan.neighbour.namespace, lan.hostAddress, 5300, 0.3);
  await peer.words.until('refused', 2);
  await client.netIn(handle, { host_port: 5300, container_port: 5353, protocol: 'udp' });
  await peer.words.until('inside hello');
  await inside.until(`from ${lan.neighbour.address} hello`);
  assert.equal(await ask(server.namespace, lan.hostAddress, 5300), 'inside hello');
  assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, 5300, SHORT), 'closed', 'TCP has ports of its own');
  await peer.close();
});

test('another container gets there when it may reach what is behind the port, and the container itself does not', async () => {
  await server.restart({ network: { allow_networks: [`${pool}.1.0/30`] } });
  try {
    const named = await server.container({ network: `${pool}.1.0` });
    const other = await server.container({ network: `${pool}.2.0` });
    await listenInside(server, named.handle, 'tcp', 8080, 'named');
    await listenInside(server, other.handle, 'tcp', 8080, 'other');
    await named.client.netIn(named.handle, { host_port: 7000, container_port: 8080 });
    await other.client.netIn(other.handle, { host_port: 7001, container_port: 8080 });
    assert.equal(await knockFrom(other.client, other.handle, lan.hostAddress, 7000), 'named');
    assert.equal(await knockFrom(named.client, named.handle, lan.hostAddress, 7001, SHORT), 'closed', 'its network is not named');
    for (const [{ client, handle }, port] of [[named, 7000], [other, 7001]] as const) assert.equal(await knockFrom(client, handle, lan.hostAddress, port, SHORT), 'closed', handle);
    assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, 7001), 'other');
  } finally {
    await server.restart({});
  }
});

test('what a container sends to that port of another machine is not led back', async () => {
  await server.restart({ network: { allow_networks: [lan.network] } });
  try {
    const { client, handle } = await server.container();
    await listenInside(server, handle, 'tcp', ECHO_PORT, 'inside');
    await client.netIn(handle, { host_port: ECHO_PORT });
    const { stdout } = await client.run(handle, `timeout 10 bash -c 'exec 3<>/dev/tcp/${lan.router.address}/${ECHO_PORT} && echo echoed >&3 && head -n 1 <&3'`);
    assert.equal(stdout, 'echoed\n');
    assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, ECHO_PORT), 'inside');
  } finally {
    await server.restart({});
  }
});

test('ports of the host\'s programs and of other containers are refused, and passed over in the pool', async () => {
  const first = server.slot.startPort;
  const daemon = await EchoServer.start(server.namespace, ['0.0.0.0:22', `127.0.0.1:${first}`]);
  try {
    const [one, other] = [await server.container(), await server.container()];
    for (const protocol of ['tcp', 'udp'] as const) {
      assert.equal(await codeOf(one.client.netIn(one.handle, { host_port: 22, protocol })), 'exists', protocol);
      const { host_port } = await one.client.netIn(one.handle, { protocol });
      assert.notEqual(host_port, first, protocol);
    }
    await one.client.netIn(one.handle, { host_port: 23 });
    for (const { client, handle } of [one, other]) assert.equal(await codeOf(client.netIn(handle, { host_port: 23 })), 'exists');
    await other.client.netIn(other.handle, { host_port: 23, protocol: 'udp' });
  } finally {
    await daemon.close();
  }
});

test('a closed port ends what came by it, and is another container\'s at once', async () => {
  const [one, other] = [await server.container(), await server.container()];
  await listenInside(server, one.handle, 'tcp', 8080, 'one');
  await listenInside(server, other.handle, 'tcp', 8080, 'other');
  await one.client.netIn(one.handle, { host_port: 8000, container_port: 8080 });
  const peer = Peer.connected(lan.neighbour.namespace, lan.hostAddress, 8000);
  await peer.words.until('one');
  await one.client.netIn(one.handle, { host_port: 8000, remove: true });
  await other.client.netIn(other.handle, { host_port: 8000, container_port: 8080 });
  assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, 8000), 'other');
  peer.say('more\n');
  await peer.ended();
});

test('ports are there after a restart, a kill -9 and a flush, and what came by them goes on', async () => {
  const { client, handle } = await server.container({ handle: 'ports' });
  await listenInside(server, handle, 'tcp', 8080, 'inside');
  await client.netIn(handle, { host_port: 8000, container_port: 8080 });
  const { host_port } = await client.netIn(handle, { container_port: 8080 });
  const peer = Peer.connected(lan.neighbour.namespace, lan.hostAddress, 8000);
  await peer.words.until('inside');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await server.stop(signal);
    if (signal === 'SIGKILL') await server.namespace.run('nft', ['flush', 'ruleset']);
    await server.start();
    for (const port of [8000, host_port]) assert.equal(await knock(lan.neighbour.namespace, lan.hostAddress, port), 'inside', signal);
    peer.say(signal);
    const after = await server.connect();
    assert.deepEqual((await after.info(handle)).net_in.map((each) => each.host_port), [8000, host_port]);
    const next = await server.container();
    assert.notEqual((await next.client.netIn(next.handle)).host_port, host_port, 'what lives is handed out to nobody');
    assert.equal(await codeOf(next.client.netIn(next.handle, { host_port: 8000 })), 'exists');
    await next.client.destroy(next.handle);
  }
  assert.equal(peer.hasEnded, false);
  await peer.close();
});

test('who gets a released address gets nothing of what its last owner\'s peers still send', async () => {
  const network = `${pool}.3.0`;
  const one = await server.container({ network });
  await listenInside(server, one.handle, 'udp', 5353, 'one');
  await one.client.netIn(one.handle, { host_port: 5300, container_port: 5353, protocol: 'udp' });
  const peer = Peer.asking(lan.neighbour.namespace, lan.hostAddress, 5300, 0.1);
  await peer.words.until('one hello');
  await one.client.destroy(one.handle);
  const next = await server.container({ network });
  const inside = await listenInside(server, next.handle, 'udp', 5353, 'next');
  // The address and the port inside are open again, by another port.
  await next.client.netIn(next.handle, { host_port: 5301, container_port: 5353, protocol: 'udp' });
  await peer.words.until('asked', peer.words.times('asked') + 5);
  assert.equal(inside.heard.includes('from'), false, inside.heard);
  // A port of its own, and the same peer gets there.
  await next.client.netIn(next.handle, { host_port: 5300, container_port: 5353, protocol: 'udp' });
  await peer.words.until('next hello');
  await peer.close();
});
