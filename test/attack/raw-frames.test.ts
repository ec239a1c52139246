/*
 * C3, C4: ten thousand raw frames with addresses that are not the container's own, sent by a program of the host that enters the container's network
 * namespace with all its rights. Host and networks are open here, so that nothing but the pinning of addresses keeps them out.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { Lan } from '../harness/lan.js';
import { linkEnds, macOf, mark, runInOrder } from '../harness/link-ends.js';
import type { End } from '../harness/link-ends.js';
import { NetworkNamespace } from '../harness/network-namespace.js';
import { probePath } from '../harness/rootfs.js';
import type { Place } from '../harness/run-program.js';
import { mustRun } from '../harness/run-program.js';
import { shortOrLong } from '../harness/soak.js';
import { Witness } from '../harness/witness.js';

const FRAMES = shortOrLong(10_000, 200_000);
const PORT = 5353;
let lan: Lan;
const server = useServer({ networkNamespace: true, network: { release_delay: 5, allow_host_access: true, allow_networks: ['0.0.0.0/0', '10.0.0.0/8'] }, rootfs: { probes: ['forge', 'witness'] } }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

async function sendForged(from: End, peer: End, neighbour: string, count: number): Promise<void> {
  const sent = Number(await runInOrder(from.place, probePath(server, 'forge'), [from.name, from.mac, peer.mac, from.ip, peer.ip, neighbour, String(PORT), String(count)]));
  assert.ok(sent >= count * 0.99, `${sent} of ${count} frames were sent`);
}

async function tables(place: Place): Promise<string> {
  const show = (...args: string[]): Promise<string> => mustRun('ip', args, { place });
  return [await show('neigh', 'show'), await show('-6', 'address', 'show'), await show('-6', 'route', 'show'), await show('route', 'show')].join('');
}

const neighbourLine = (text: string, ip: string): string => text.split('\n').find((line) => line.startsWith(`${ip} `)) ?? '';

test('C3, C4: frames with forged MAC, IPv4, ARP and IPv6 addresses reach nobody and change no table', async () => {
  const [attacker, neighbour] = [await linkEnds(server, 'forge-a'), await linkEnds(server, 'forge-n')];
  for (const { inside } of [attacker, neighbour]) await server.namespace.run('ping', ['-c', '1', '-W', '5', inside.ip]);
  const before = await tables(server.namespace);
  assert.match(neighbourLine(before, neighbour.inside.ip), new RegExp(neighbour.inside.mac));
  const host = await Witness.start(probePath(server, 'witness'), server.namespace, 'stack');
  const others = await Promise.all([neighbour.inside.place, lan.router.namespace, lan.neighbour.namespace].map((place) => Witness.start(probePath(server, 'witness'), place, 'wire')));
  try {
    for (const target of [neighbour.inside.ip, lan.neighbour.address]) await sendForged(attacker.inside, attacker.outside, target, FRAMES / 2);
    await mark(server.namespace, [[host, '127.0.0.1'], ...[neighbour.inside.ip, lan.router.address, lan.neighbour.address].map((address, place) => [others[place] ?? host, address] as const)]);
    for (const each of [host, ...others]) assert.deepEqual(each.forged.slice(0, 20), []);
  } finally {
    for (const each of [host, ...others]) await each.close();
  }
  const afterwards = await tables(server.namespace);
  assert.match(neighbourLine(afterwards, attacker.inside.ip), new RegExp(`^${attacker.inside.ip} dev ${attacker.outside.name} .*${attacker.inside.mac}`));
  assert.match(neighbourLine(afterwards, neighbour.inside.ip), new RegExp(`^${neighbour.inside.ip} dev ${neighbour.outside.name} .*${neighbour.inside.mac}`));
  assert.doesNotMatch(afterwards, /02:00:00:00:00:99|fe80::66|2001:db8/);
  const newcomers = afterwards.split('\n').filter((line) => !/^(?:10\.|198\.51\.100\.|169\.254\.169\.254)/.test(line) && !before.includes(line));
  assert.deepEqual(newcomers, []);
});

test('C3: what a container sends under its own addresses does arrive there, so that the witnesses can hear', async () => {
  const attacker = await linkEnds(server, 'forge-c');
  const host = await Witness.start(probePath(server, 'witness'), server.namespace, 'stack');
  const router = await Witness.start(probePath(server, 'witness'), lan.router.namespace, 'wire');
  await mark(attacker.inside.place, [[host, attacker.outside.ip], [router, lan.router.address]]);
  for (const each of [host, router]) await each.close();
});

test('C3, C4: on a link that nobody pins the same frames arrive, and change tables: the probe can succeed', async () => {
  const [one, two] = [await NetworkNamespace.open(), await NetworkNamespace.open()];
  try {
    await one.run('ip', ['link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right', 'netns', String(two.pid)]);
    for (const [place, name, ip] of [[one, 'left', '192.0.2.1'], [two, 'right', '192.0.2.2']] as const) {
      await place.run('ip', ['address', 'add', `${ip}/24`, 'dev', name]);
      await place.run('bash', ['-c', `for name in all ${name}; do echo 0 > /proc/sys/net/ipv4/conf/$name/rp_filter; echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done`]);
      await place.run('ip', ['link', 'set', name, 'up']);
    }
    await two.run('ping', ['-c', '1', '-W', '5', '192.0.2.1']);
    const from: End = { place: one, name: 'left', mac: await macOf(one, 'left'), ip: '192.0.2.1' };
    const to: End = { place: two, name: 'right', mac: await macOf(two, 'right'), ip: '192.0.2.2' };
    const heard = await Witness.start(probePath(server, 'witness'), two, 'stack');
    await sendForged(from, to, '192.0.2.77', 480);
    await mark(one, [[heard, to.ip]]);
    const protocols = new Set(heard.forged.map((line) => line.split(' ')[1]));
    assert.deepEqual([...protocols].sort(), ['icmp', 'icmp6', 'tcp', 'udp', 'udp6']);
    assert.ok(heard.forged.some((line) => /^stack udp 192\.0\.2\.77 /.test(line)) && heard.forged.some((line) => /^stack udp 8\./.test(line)));
    assert.ok(heard.forged.some((line) => line.endsWith('router-advertisement')));
    await heard.close();
    const changed = await tables(two);
    assert.match(changed, /192\.0\.2\.1 dev right lladdr 02:00:00:00:00:99|192\.0\.2\.77 dev right lladdr/);
    assert.match(changed, /inet6 2001:db8:bad:/);
  } finally {
    await one.close();
    await two.close();
  }
});
