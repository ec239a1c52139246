/* C5: every pair of twenty containers, by every protocol that there is: what no rule permits does not arrive. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { probePath } from '../harness/rootfs.js';
import type { Fields } from '../harness/wire.js';

const PROTOCOLS = ['icmp', 'tcp', 'udp', 'sctp', '253'];
const [UDP, ICMP, ALL] = [1, 2, 3];
const SIZE = 20;
const PORT = 5001;
/** A /30 that is used again at once still has its old link for some milliseconds, which takes the first packets. */
const REST = { release_delay: 5 };
const server = useServer({ networkNamespace: true, network: REST, rootfs: { probes: ['matrix'] } });

interface Member { readonly handle: string; readonly address: string; readonly pid: number }

async function makeContainers(count = SIZE): Promise<Member[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const { client, handle } = await server.container();
    const { container_ip: address } = await client.info(handle);
    const [pid = 0] = await server.pidsOf(handle);
    return { handle, address, pid };
  }));
}

/** `PROTOCOL FROM TO`, sorted. */
async function arrivals(members: readonly Member[]): Promise<string[]> {
  const text = await server.namespace.run(probePath(server, 'matrix'), [String(PORT), ...members.flatMap(({ address, pid }) => [address, String(pid)])]);
  return text.split('\n').filter((line) => line !== '').sort();
}

function everyPair(count: number, protocols = PROTOCOLS): string[] {
  const places = Array.from({ length: count }, (_, place) => place);
  return protocols.flatMap((protocol) => places.flatMap((from) => places.filter((to) => to !== from).map((to) => `${protocol} ${from} ${to}`))).sort();
}

test('C5: of twenty containers none reaches another, by any protocol', async () => {
  assert.deepEqual(await arrivals(await makeContainers()), []);
});

test('C5: of twenty containers those reach another that a rule permits, by the protocol that it permits, and no others', async () => {
  const members = await makeContainers();
  const client = await server.connect();
  const permit = (from: number, to: number, fields: Fields): Promise<Fields> => client.request('net_out', { handle: members[from]?.handle, network: members[to]?.address, ...fields });
  await permit(0, 1, { port: PORT });
  await permit(1, 0, { port: PORT + 1 });
  await permit(2, 3, { port: PORT, protocol: UDP });
  await permit(4, 5, { protocol: ICMP });
  await permit(6, 7, { protocol: ALL });
  await client.request('net_out', { handle: members[8]?.handle, network: '0.0.0.0/0', protocol: ALL });
  // Of a protocol without ports or numbers what comes back is a reply.
  const replies = ['253 7 6'];
  assert.deepEqual(await arrivals(members), [...replies, 'tcp 0 1', 'udp 2 3', 'icmp 4 5', ...PROTOCOLS.map((protocol) => `${protocol} 6 7`)].sort());
});

test('C5: where their network is allowed by name every pair is open: the probe can succeed', async () => {
  await server.restart({ network: { ...REST, allow_networks: [`${server.slot.network}/20`] } });
  try {
    assert.deepEqual(await arrivals(await makeContainers(6)), everyPair(6));
  } finally {
    await server.restart({ network: REST });
  }
});
