/* C7: a flood of connections from one container neither fills the kernel's table of connections nor keeps a neighbour's connections from being made. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { linkEnds } from '../harness/link-ends.js';
import type { End } from '../harness/link-ends.js';
import { probePath } from '../harness/rootfs.js';
import { shortOrLong } from '../harness/soak.js';

const FLOWS = shortOrLong(50_000, 1_000_000);
const CONNECTIONS = shortOrLong(1_000, 20_000);
const LIMIT = 500;
/** The kernel counts a connection that is over until its timer has run, and its own count lags behind a little. */
const SLACK = 1.2;
const ATTACKERS = 3;
const NETWORK = { release_delay: 5, connection_limit: LIMIT, allow_networks: ['0.0.0.0/0'] };
let lan: Lan;
const server = useServer({ networkNamespace: true, network: NETWORK, rootfs: { probes: ['flood'] } }, async ({ slot, namespace }) => { lan = await Lan.open(slot, namespace); });
after(() => lan.close());

async function connectionsKnown(): Promise<number> {
  return Number(await server.namespace.run('cat', ['/proc/sys/net/netfilter/nf_conntrack_count']));
}

async function flood({ place }: End, protocol: 'tcp' | 'udp', address: string, flows = FLOWS): Promise<void> {
  const [program = '', ...args] = [...place.enter, probePath(server, 'flood'), protocol, address, '20000', String(flows)];
  const sent = Number((await server.namespace.run(program, args)).split(' ')[0]);
  assert.ok(sent >= flows * 0.5, `${sent} of ${flows} packets were sent`);
}

/** Connections that a job makes one after the other, each with an answer: how many of them it got. */
async function honest(handle: string): Promise<number> {
  const client = await server.connect();
  const result = await client.run(handle, `perl -MSocket -e 'my $good = 0; for (1..${CONNECTIONS}) { socket(my $s, AF_INET, SOCK_STREAM, 0) or next; setsockopt($s, SOL_SOCKET, SO_SNDTIMEO, pack("l!l!", 5, 0)); `
    + `setsockopt($s, SOL_SOCKET, SO_RCVTIMEO, pack("l!l!", 5, 0)); setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)); connect($s, pack_sockaddr_in(${ECHO_PORT}, inet_aton("${lan.internetAddress}"))) or next; `
    + `syswrite($s, "x"); $good++ if sysread($s, my $answer, 1); close $s } print $good'`);
  return Number(output(result));
}

test('C7: a neighbour makes its connections while three containers flood', async () => {
  const attackers = await Promise.all(Array.from({ length: ATTACKERS }, (_, place) => linkEnds(server, `fl-a${place}`)));
  await server.container({ handle: 'fl-n' });
  const [good] = await Promise.all([honest('fl-n'), ...attackers.map(({ inside }, place) => flood(inside, place % 2 === 0 ? 'udp' : 'tcp', lan.internetAddress))]);
  assert.ok(good >= CONNECTIONS * 0.999, `${good} of ${CONNECTIONS} connections`);
  const known = await connectionsKnown();
  // The neighbour's are among them, as far as they have not been reset.
  assert.ok(known <= ATTACKERS * LIMIT * SLACK + CONNECTIONS, `${known} connections in the table`);
});

test('C7: what is refused is not kept', async () => {
  await server.restart({ network: { release_delay: 5 } });
  try {
    const { inside, outside } = await linkEnds(server, 'fl-r');
    const before = await connectionsKnown();
    for (const address of [lan.internetAddress, outside.ip, lan.metadataAddress]) await flood(inside, 'udp', address, 20_000);
    const known = await connectionsKnown();
    assert.ok(known <= before + 100, `${known} connections, ${before} before`);
  } finally {
    await server.restart({ network: NETWORK });
  }
});

test('C7: nor does a flood to the host itself fill the table', async () => {
  await server.restart({ network: { ...NETWORK, allow_host_access: true } });
  try {
    const { inside, outside } = await linkEnds(server, 'fl-h');
    const before = await connectionsKnown();
    await flood(inside, 'udp', outside.ip);
    const known = await connectionsKnown();
    assert.ok(known <= before + LIMIT * SLACK, `${known} connections, ${before} before`);
  } finally {
    await server.restart({ network: NETWORK });
  }
});
