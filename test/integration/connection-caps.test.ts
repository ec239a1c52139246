/* How many connections a container may have, and begin in a second: one that goes beyond is held back, and nobody else. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';

let lan: Lan;
const LIMIT = 12;
const RATE = 20;
/** An address that is used again at once has its last container's connections until they are forgotten. */
const network = { release_delay: 5, allow_networks: ['198.51.100.0/24'], connection_limit: LIMIT, connection_rate: 10_000 };
const server = useServer({ networkNamespace: true, network }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

const PERL = 'exec perl -MIO::Socket::INET -e';
/** Opens connections one after the other until one is refused, at most `count`, says how many there are, and has them for as long as the job lives. */
const hold = (count: number): string => `${PERL} '$| = 1; my @s; while (@s < ${count}) { my $s = IO::Socket::INET->new(PeerAddr => "${lan.router.address}:${ECHO_PORT}", Timeout => 5) or last; push @s, $s } printf "has %d, %s\n", scalar @s, $!; sleep 60' `;

async function one(client: Client, handle: string): Promise<string> {
  const { stdout } = await client.run(handle, `timeout 10 bash -c 'exec 3<>/dev/tcp/${lan.router.address}/${ECHO_PORT} && echo hi >&3 && head -n 1 <&3' 2>/dev/null || echo refused`);
  return stdout.trim();
}

test('connections beyond the limit are refused until others have ended; a neighbour has its own', async () => {
  const [greedy, neighbour] = [await server.container(), await server.container()];
  const job = await greedy.client.spawn(greedy.handle, hold(3 * LIMIT));
  const watcher = await server.connect();
  await streamUntil(watcher.stream(greedy.handle, job), `has ${LIMIT}, Connection refused`);
  const [client, other] = [await server.connect(), await server.connect()];
  assert.equal(await one(client, greedy.handle), 'refused');
  assert.equal(await one(other, neighbour.handle), 'hi');
  await client.stop(greedy.handle, { kill: true });
  await greedy.client.destroy(greedy.handle).catch(() => undefined);
});

test('what has ended counts no more', async () => {
  const { client, handle } = await server.container();
  for (let round = 0; round < 3; round++) {
    const { stdout } = await client.run(handle, hold(LIMIT - 2).replace('sleep 60', 'exit'));
    assert.match(stdout, new RegExp(`^has ${LIMIT - 2},`), `round ${round}`);
  }
});

test('with allow_host_access connections to the host count as well', async () => {
  await server.restart({ network: { ...network, allow_host_access: true } });
  const { client, handle } = await server.container();
  const { host_ip } = await client.info(handle);
  const { stdout } = await client.run(handle, `${PERL} '$| = 1; my @s; for (1 .. ${2 * LIMIT}) { my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "${host_ip}:9") or last; $s->send("x") or last; push @s, $s } printf "sent %d\n", scalar @s'`);
  assert.equal(stdout, `sent ${2 * LIMIT}\n`);
  const counted = await server.namespace.run('nft', ['list', 'set', 'inet', server.slot.table, 'connections']);
  const { container_ip } = await client.info(handle);
  assert.ok(counted.includes(`${container_ip} ct count over ${LIMIT}`), counted);
  await server.restart({ network });
});

test('new connections beyond the rate are dropped; a neighbour begins its own', async () => {
  await server.restart({ network: { ...network, connection_limit: 0, connection_rate: RATE } });
  const [flood, neighbour] = [await server.container({ handle: 'flood' }), await server.container()];
  lan.forget();
  const began = Date.now();
  // All are kept open: a port that is used again may be one of a connection that was let through.
  const flooding = flood.client.run(flood.handle, `${PERL} 'my @s; for (1 .. 900) { my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "${lan.router.address}:${ECHO_PORT}") or die; $s->send("flood $_"); push @s, $s }'`);
  for (let count = 0; count < 10; count++) assert.equal(await one(neighbour.client, neighbour.handle), 'hi');
  await flooding;
  await lan.flush();
  const seconds = (Date.now() - began) / 1000;
  const arrived = lan.contacts.filter(({ data }) => data.startsWith('flood')).length;
  assert.ok(arrived >= RATE && arrived <= RATE * (seconds + 1) + 1, `${arrived} in ${seconds} s`);
  await server.restart({ network });
});
