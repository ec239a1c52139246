/*
 * The firewall writes into a packet's header what a container's rules have found, where headers tell of fragments. A packet that comes with anything there opens nothing, and one that
 * had to come in pieces goes as it is allowed to.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { linkEnds, runInOrder } from '../harness/link-ends.js';

let lan: Lan;
const server = useServer({ networkNamespace: true, network: { release_delay: 5 } }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

/** All but "don't fragment", which every packet may have. */
const FORGED_BITS = Array.from({ length: 16 }, (_, bit) => 2 ** bit).filter((bit) => bit !== 0x4000);
/** A datagram in two pieces: 16 bytes, the other 8 and "more fragments" first. */
const IN_PIECES = [[0x2000, 0, 16], [2, 16, 8]] as const;

/** Pieces of one datagram have one number, and those of others, which the host keeps for a while, another. */
let identification = 0;

/** Datagrams whose header says so of fragments, with `size` bytes from `from` of one datagram for the echo port. */
function send(target: string, pieces: readonly (readonly [flags: number, from: number, size: number])[]): string {
  identification++;
  return `use Socket; socket(my $s, AF_INET, SOCK_RAW, 255) or die $!; setsockopt($s, 0, 3, pack "i", 1) or die $!;
    my $whole = pack("nnnn", ${5000 + identification}, ${ECHO_PORT}, 24, 0) . "forged-datagram!";
    for (${pieces.map((piece) => `[${piece.join(', ')}]`).join(', ')}) { my ($flags, $from, $size) = @$_;
      my $packet = pack("CCnnnCCna4a4", 0x45, 0, 20 + $size, ${identification}, $flags, 64, 17, 0, inet_aton("0.0.0.0"), inet_aton("${target}")) . substr $whole, $from, $size;
      send($s, $packet, 0, sockaddr_in(0, inet_aton("${target}"))) or die $! }`;
}

const forged = (): number => lan.contacts.filter(({ data }) => data.includes('forged-datagram')).length;

async function arrives(handle: string, program: string): Promise<boolean> {
  const place = (await server.pidsOf(handle))[0];
  lan.forget();
  await runInOrder({ enter: ['nsenter', '--net', '--target', String(place)] }, 'perl', ['-e', program]);
  await lan.flush();
  return forged() > 0;
}

test('bits that the firewall would have written open nothing, whether the packet comes alone, in pieces, or where one like it is allowed', async () => {
  const [closed, other] = [await linkEnds(server, 'noted-c'), await linkEnds(server, 'noted-o')];
  const client = await server.connect();
  const target = lan.router.address;
  await server.namespace.run('nft', ['-f', '-'], { input: `table ip seen {\n chain prerouting {\n type filter hook prerouting priority -450;\n ip saddr ${closed.inside.ip} ip daddr ${target} counter\n }\n}\n` });
  for (const bits of FORGED_BITS) assert.equal(await arrives('noted-c', send(target, [[bits, 0, 24]])), false, `0x${bits.toString(16)}`);
  assert.equal(await arrives('noted-c', send(target, IN_PIECES)), false);
  assert.equal(await arrives('noted-c', send(target, IN_PIECES.map(([flags, ...rest]) => [flags | 0x8000, ...rest]))), false);
  assert.match(await server.namespace.run('nft', ['list', 'table', 'ip', 'seen']), new RegExp(`packets ${FORGED_BITS.length + 4} `), 'they did come as far as the host');
  await server.namespace.run('nft', ['delete', 'table', 'ip', 'seen']);
  // A rule of somebody else's, and one for another port: what is noted for neither counts for the other.
  await client.request('net_out', { handle: 'noted-o', network: target, protocol: 1 });
  await client.request('net_out', { handle: 'noted-c', network: target, port: ECHO_PORT + 1, protocol: 1 });
  for (const bits of [0, 0x8000]) assert.equal(await arrives('noted-c', send(target, [[bits, 0, 24]])), false);
  assert.equal(await arrives('noted-o', send(target, [[0, 0, 24]])), true, 'the probe can succeed');
  assert.equal(await arrives('noted-o', send(target, [[0x8000, 0, 24]])), false);
  assert.equal(await arrives('noted-o', send(target, IN_PIECES)), true, 'what is allowed may come in pieces');
  assert.ok(other.inside.ip !== closed.inside.ip);
});

test('a packet leaves as it came: whatever rules have noted, "don\'t fragment" stays, and the checksum is right', async () => {
  const { inside } = await linkEnds(server, 'noted-h');
  const client = await server.connect();
  const target = lan.router.address;
  const { namespace } = lan.router;
  // Both leave a note, each its own.
  for (const log of [false, true]) await client.request('net_out', { handle: 'noted-h', network: '198.51.0.0/16', protocol: 1, log });
  await namespace.run('nft', ['-f', '-'], { input: `table ip seen {\n chain prerouting {\n type filter hook prerouting priority -450;\n ip frag-off 0x4000 udp dport ${ECHO_PORT} udp length 24 counter\n ip frag-off 0 udp dport ${ECHO_PORT} udp length 24 counter\n }\n}\n` });
  for (const flags of [0x4000, 0]) assert.equal(await arrives('noted-h', send(target, [[flags, 0, 24]])), true);
  const counted = [...(await namespace.run('nft', ['list', 'table', 'ip', 'seen'])).matchAll(/packets (\d+)/g)].map(([, packets]) => Number(packets));
  await namespace.run('nft', ['delete', 'table', 'ip', 'seen']);
  assert.deepEqual(counted, [1, 1], inside.ip);
});
