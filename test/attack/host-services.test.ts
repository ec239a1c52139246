/*
 * C1, C2, C6, C8: nothing of the host is reached from a container, on any of its addresses in either family, nor a container from outside. Packets are sent
 * by a program of the host that enters the sender's network namespace with all its rights.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { Lan } from '../harness/lan.js';
import { linkEnds, macOf, mark, runInOrder } from '../harness/link-ends.js';
import type { End } from '../harness/link-ends.js';
import { probePath } from '../harness/rootfs.js';
import { mustRun, runProgram } from '../harness/run-program.js';
import { Witness } from '../harness/witness.js';

const PORT = 5354;
const GLOBAL = '2001:db8:1::1';
/** A /30 that is used again at once still has its old link for some milliseconds, which takes the first packets. */
const REST = { release_delay: 5 };
let lan: Lan;
const program = (name: 'knock' | 'forge' | 'witness'): string => probePath(server, name);
const server = useServer({ networkNamespace: true, network: REST, rootfs: { probes: ['knock', 'forge', 'witness'] } }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
  // A host that is careless: it has IPv6, and routes to its loopback addresses from everywhere, as some proxies of container platforms want it.
  await namespace.run('bash', ['-c', 'echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter']);
  await namespace.run('ip', ['-6', 'address', 'add', `${GLOBAL}/64`, 'dev', lan.uplink, 'nodad']);
  await namespace.run('ip', ['address', 'add', '169.254.7.7/32', 'dev', 'lo']);
});
after(() => lan.close());

/** As an attacker would like it: IPv6 addresses, a route for everything, and loopback addresses that lead out. */
async function prepare({ place, name }: End, gateway: End): Promise<void> {
  const script = [
    `for name in all ${name}; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; echo 1 > /proc/sys/net/ipv4/conf/$name/route_localnet; done`,
    `ip -6 address add fe80::5/64 dev ${name} nodad`, `ip -6 address add 2001:db8:2::5/64 dev ${name} nodad`,
    `ip -6 route add default dev ${name}`, `ip -6 neigh replace fe80::4 lladdr ${gateway.mac} dev ${name}`, `ip -6 neigh replace ${GLOBAL} lladdr ${gateway.mac} dev ${name}`,
    'ip address del 127.0.0.1/8 dev lo; ip route flush table local root 127.0.0.0/8', `ip route replace 127.0.0.0/8 via ${gateway.ip} dev ${name}`,
  ].join('\n');
  await runProgram('bash', ['-c', script], { place });
  // Should the host's end take an address of IPv6, then it shall have one.
  await runProgram('ip', ['-6', 'address', 'add', 'fe80::4/64', 'dev', gateway.name, 'nodad'], { place: gateway.place });
}

/** Addresses of the host that are its own to everybody, then those that nobody but itself is to reach. */
function addressesOfHost(end: End, gateway: End, neighbour: End): { open: string[]; closed: string[] } {
  return {
    open: [gateway.ip, neighbour.ip, lan.hostAddress],
    closed: [
      '127.0.0.1', '127.0.0.53', '127.1.2.3', '169.254.7.7', GLOBAL,
      ...['fe80::4', 'ff02::1', 'ff02::2', 'ff01::1', '::1'].map((address) => `${address}%${end.name}`),
    ],
  };
}

/** What the host's own programs would have got: `PROTOCOL SOURCE TEXT`, each once. */
async function heardByHost(from: End, addresses: readonly string[]): Promise<{ heard: string[]; sent: string }> {
  const host = await Witness.start(program('witness'), server.namespace, 'stack');
  const sent = await runInOrder(from.place, program('knock'), [String(PORT), ...addresses]);
  await mark(server.namespace, [[host, '127.0.0.1']]);
  await host.close();
  return { heard: [...new Set(host.forged)].sort(), sent };
}

test('C1, C2, C6: no address of the host answers, none of its programs hears anything, in either family', async () => {
  const [attacker, neighbour] = [await linkEnds(server, 'serv-a'), await linkEnds(server, 'serv-n')];
  await prepare(attacker.inside, attacker.outside);
  const { open, closed } = addressesOfHost(attacker.inside, attacker.outside, neighbour.outside);
  const { heard, sent } = await heardByHost(attacker.inside, [...open, ...closed, '255.255.255.255', '224.0.0.1']);
  assert.deepEqual(heard, []);
  // Nearly everything has left the container; nothing has without it.
  for (const address of [...open, '127.0.0.1', '169.254.7.7', GLOBAL, `fe80::4%${attacker.inside.name}`]) assert.match(sent, new RegExp(`^sent ${address} udp$`, 'm'), sent);
});

test('C1, C2: both ends of the link are without IPv6, and so is the container\'s loopback', async () => {
  const { inside, outside } = await linkEnds(server, 'serv-six');
  assert.equal(await mustRun('ip', ['-6', 'address'], { place: inside.place }), '');
  for (const { place, name } of [inside, outside]) {
    assert.equal(await mustRun('ip', ['-6', 'address', 'show', 'dev', name], { place }), '', name);
    assert.equal(await mustRun('cat', [`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`], { place }), '1\n', name);
  }
});

test('C1, C6: allow_host_access opens the host\'s IPv4 addresses, but neither loopback, link-local nor IPv6', async () => {
  await server.restart({ network: { ...REST, allow_host_access: true, allow_networks: ['0.0.0.0/0'] } });
  try {
    const [attacker, neighbour] = [await linkEnds(server, 'serv-b'), await linkEnds(server, 'serv-m')];
    await prepare(attacker.inside, attacker.outside);
    const { open, closed } = addressesOfHost(attacker.inside, attacker.outside, neighbour.outside);
    const all = ['icmp', 'tcp', 'udp'].map((protocol) => `stack ${protocol} ${attacker.inside.ip} forged`);
    for (const address of open) assert.deepEqual((await heardByHost(attacker.inside, [address])).heard, all, `the probe can succeed: ${address}`);
    for (const address of closed) assert.deepEqual((await heardByHost(attacker.inside, [address])).heard, [], address);
  } finally {
    await server.restart({ network: REST });
  }
});

test('C8: from the local network no packet reaches a container, under whatever address it comes', async () => {
  const [target, other] = [await linkEnds(server, 'serv-t'), await linkEnds(server, 'serv-o')];
  const heard = await Witness.start(program('witness'), target.inside.place, 'wire');
  for (const { namespace } of [lan.neighbour, lan.router, lan.nameServer]) await runInOrder(namespace, program('knock'), [String(PORT), target.inside.ip]);
  const { namespace: place, address } = lan.neighbour;
  const from: End = { place, name: 'lan', mac: await macOf(place, 'lan'), ip: address };
  const uplink = await macOf(server.namespace, lan.uplink);
  // As itself, as the gateway of the target, as another container: of every kind of frame.
  for (const ip of [address, target.outside.ip, other.inside.ip]) await runInOrder(place, program('forge'), [from.name, from.mac, uplink, ip, target.inside.ip, target.inside.ip, String(PORT), '480']);
  await mark(server.namespace, [[heard, target.inside.ip]]);
  await heard.close();
  assert.deepEqual(heard.forged, []);
});

test('C8: the host itself reaches it: the witness can hear', async () => {
  const { inside } = await linkEnds(server, 'serv-w');
  const heard = await Witness.start(program('witness'), inside.place, 'wire');
  await runInOrder(server.namespace, program('knock'), [String(PORT), inside.ip]);
  await mark(server.namespace, [[heard, inside.ip]]);
  await heard.close();
  assert.equal(heard.forged.length, 3);
});
