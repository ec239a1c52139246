/*
 * C6: a rule or a configured network that covers everything opens neither the metadata service of a cloud nor anything else that is link-local, the host's
 * loopback, other containers or denied networks. Named exactly they are open, which shows that the probe can succeed.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { Lan } from '../harness/lan.js';
import { linkEnds, mark, runInOrder } from '../harness/link-ends.js';
import { probePath } from '../harness/rootfs.js';
import { Witness } from '../harness/witness.js';
import type { Fields } from '../harness/wire.js';

const PORT = 80;
const [TCP, UDP, ICMP, ALL] = [0, 1, 2, 3];
const DENIED = '203.0.113.66';
/** A /30 that is used again at once still has its old link for some milliseconds, which takes the first packets. */
const NETWORK = { release_delay: 5, deny_networks: [`${DENIED}/32`] };
let lan: Lan;
const server = useServer({ networkNamespace: true, network: NETWORK, rootfs: { probes: ['knock', 'witness'] } }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
  await lan.router.namespace.run('ip', ['address', 'add', `${DENIED}/32`, 'dev', 'lo']);
  await lan.router.namespace.run('ip', ['address', 'add', '169.254.7.7/32', 'dev', 'lo']);
  await namespace.run('ip', ['route', 'add', '169.254.7.7', 'via', lan.router.address]);
});
after(() => lan.close());

/** Rules that cover everything; with each, what of `icmp tcp udp` a wildcard opens. */
const WILDCARDS: readonly (readonly [Fields, readonly string[]])[] = [
  [{ network: '0.0.0.0/0' }, ['tcp']],
  [{ network: '0.0.0.0/0', protocol: UDP }, ['udp']],
  [{ network: '0.0.0.0/0', protocol: ICMP }, ['icmp']],
  [{ network: '0.0.0.0/0', protocol: ALL }, ['icmp', 'tcp', 'udp']],
  [{ network: '0.0.0.0-255.255.255.255', protocol: ALL }, ['icmp', 'tcp', 'udp']],
  [{ network: '128.0.0.0/1', protocol: ALL }, ['icmp', 'tcp', 'udp']],
  [{ network: '169.253.255.255-203.0.113.255', protocol: ALL }, ['icmp', 'tcp', 'udp']],
  [{ port: PORT, protocol: TCP }, ['tcp']],
  [{ port_range: '1:65535', protocol: UDP }, ['udp']],
];

/** Protocols by which something from the sender reached one of `places`, each once. */
async function reached(handle: string, addresses: readonly string[]): Promise<string[]> {
  const sender = senders.get(handle);
  assert.ok(sender);
  const program = probePath(server, 'witness');
  const witnesses = await Promise.all([[lan.router.namespace, lan.router.address], [server.namespace, '127.0.0.1'], [sender.neighbour.place, sender.neighbour.ip]] .map(async ([place, address]) =>
    [await Witness.start(program, place as typeof server.namespace, 'stack'), String(address)] as const));
  await runInOrder(sender.inside.place, probePath(server, 'knock'), [String(PORT), ...addresses]);
  await mark(server.namespace, witnesses);
  for (const [each] of witnesses) await each.close();
  return [...new Set(witnesses.flatMap(([each]) => each.forged.map((line) => line.split(' ')[1] ?? '')))].sort();
}

type Ends = Awaited<ReturnType<typeof linkEnds>>;
const senders = new Map<string, { inside: Ends['inside']; neighbour: Ends['inside']; closed: string[] }>();

/** A container with a neighbour, and what no wildcard opens to it. */
async function makeSender(handle: string): Promise<string[]> {
  const [own, neighbour] = [await linkEnds(server, handle), await linkEnds(server, `${handle}n`)];
  const closed = [lan.metadataAddress, '169.254.7.7', DENIED, neighbour.inside.ip, neighbour.outside.ip, own.outside.ip, lan.hostAddress];
  senders.set(handle, { inside: own.inside, neighbour: neighbour.inside, closed });
  return closed;
}

test('C6: no wildcard of a rule opens what is to be named exactly', async () => {
  const closed = await makeSender('wild');
  const client = await server.connect();
  for (const [rule, protocols] of WILDCARDS) {
    await client.request('net_out', { handle: 'wild', ...rule });
    assert.deepEqual(await reached('wild', closed), [], JSON.stringify(rule));
    assert.deepEqual(await reached('wild', [lan.internetAddress]), protocols, `what is not special is open: ${JSON.stringify(rule)}`);
    await client.request('net_out', { handle: 'wild', ...rule, remove: true });
    assert.deepEqual(await reached('wild', [lan.internetAddress]), [], `closed again: ${JSON.stringify(rule)}`);
  }
});

test('C6: nor does a wildcard of allow_networks', async () => {
  await server.restart({ network: { ...NETWORK, allow_networks: ['0.0.0.0/0', '169.0.0.0/8'] } });
  try {
    const closed = await makeSender('wide');
    assert.deepEqual(await reached('wide', closed), []);
    assert.deepEqual(await reached('wide', [lan.internetAddress]), ['icmp', 'tcp', 'udp']);
  } finally {
    await server.restart({ network: NETWORK });
  }
});

test('C6: what a rule names exactly is open, and nothing beside it', async () => {
  const closed = await makeSender('exact');
  const client = await server.connect();
  for (const address of [lan.metadataAddress, '169.254.7.7', DENIED, senders.get('exact')?.neighbour.ip ?? '']) {
    await client.request('net_out', { handle: 'exact', network: address, protocol: ALL });
    assert.deepEqual(await reached('exact', [address]), ['icmp', 'tcp', 'udp'], address);
    assert.deepEqual(await reached('exact', closed.filter((other) => other !== address)), [], address);
    await client.request('net_out', { handle: 'exact', network: address, protocol: ALL, remove: true });
  }
});
