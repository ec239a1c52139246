/*
 * Domain rules: what a name in a container's rules stands for is open to it, for as long as the name's server says, and nothing else; and DNS is no way
 * out. The local network's name server knows names for the router, its internet address and places that no name may open.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { NameServer } from '../harness/name-server.js';
import type { Zone } from '../harness/name-server.js';
import { SHORT_PATIENCE } from '../harness/patience.js';
import { findProcesses, isAlive, parentOf } from '../harness/processes.js';
import { withDeadline } from '../harness/wait.js';

const UDP = 1;
const DNS_SERVER = '198.51.100.53';
const INTERNET = '203.0.113.10';
const ROUTER = '198.51.100.2';
const zone: Zone = {
  'api.example.com': { addresses: [INTERNET], ttl: 3600 },
  'brief.example.com': { addresses: [INTERNET], ttl: 0 },
  '*.wild.example.com': { addresses: [INTERNET] },
  'www.example.com': { alias: 'edge.cdn.example' },
  'edge.cdn.example': { alias: 'node.cdn.example' },
  'node.cdn.example': { addresses: [INTERNET] },
  'router.example.com': { addresses: [ROUTER] },
  'secret.example.net': { addresses: [ROUTER] },
};

let lan: Lan;
let names: NameServer;
const configured = {
  network: { dns_servers: [DNS_SERVER], release_delay: 5 },
  // The resolver stays until the daemon ends.
  warmUp: (client: Client, handle: string) => client.netOut(handle, { domain: 'warm.example.com' }),
};

const server = useServer({
  ...configured,
  networkNamespace: true,
  rootfs: { change: (directory) => writeFileSync(join(directory, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n') },
}, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
  names = await NameServer.start(lan.nameServer.namespace, DNS_SERVER);
});
after(async () => {
  await names.close();
  await lan.close();
});

async function container(...domains: string[]): Promise<{ client: Client; handle: string }> {
  await names.serve(zone);
  const made = await server.container();
  for (const domain of domains) await made.client.netOut(made.handle, { domain, port: ECHO_PORT });
  return made;
}

/** What a name resolves to; `none` when it does not. */
async function resolve(client: Client, handle: string, name: string, options = ''): Promise<string> {
  const { stdout } = await client.run(handle, `export RES_OPTIONS='timeout:${SHORT_PATIENCE} attempts:1 ${options}'; getent ahostsv4 ${name} | grep STREAM | cut -d ' ' -f 1 | sort | tr '\\n' ' '; [ \${PIPESTATUS[0]} = 0 ] || echo none`);
  return stdout.trim();
}

/** Connects by TCP from inside, by name or address: `open`, when the echo comes back, or `closed`. */
async function dial(client: Client, handle: string, address: string, port = ECHO_PORT): Promise<string> {
  const { stdout } = await client.run(handle, `timeout ${3 * SHORT_PATIENCE} bash -c 'exec 3<>/dev/tcp/${address}/${port} && echo hi >&3 && head -n 1 <&3 | grep -q hi && echo open' 2>/dev/null || echo closed`);
  return stdout.trim();
}

/** A datagram that is echoed. */
async function throwDatagram(client: Client, handle: string, address: string): Promise<string> {
  const { stdout } = await client.run(handle, `timeout ${2 * SHORT_PATIENCE} bash -c 'exec 3<>/dev/udp/${address}/${ECHO_PORT}; echo hi >&3; head -n 1 <&3 | grep -q hi && echo open' 2>/dev/null || echo closed`);
  return stdout.trim();
}

test('a name in the rules is open when it was asked for, at the rule\'s port, and not before', async () => {
  const { client, handle } = await container('api.example.com');
  assert.equal(await dial(client, handle, INTERNET), 'closed', 'by its address, when nobody has asked');
  assert.equal(await resolve(client, handle, 'api.example.com'), INTERNET);
  assert.equal(await dial(client, handle, INTERNET), 'open');
  assert.equal(await dial(client, handle, 'api.example.com'), 'open');
  assert.equal(await dial(client, handle, INTERNET, 80), 'closed', 'another port');
  assert.equal(await throwDatagram(client, handle, INTERNET), 'closed', 'another protocol');
  assert.equal(await dial(client, handle, ROUTER), 'closed', 'another address');
  const other = await container();
  assert.equal(await dial(other.client, other.handle, INTERNET), 'closed', 'another container');
});

test('other names do not exist, by UDP and TCP, whatever server is asked, and nobody hears of the question', async () => {
  const { client, handle } = await container('api.example.com');
  // Every name server of the world is allowed, and still none is reached.
  for (const protocol of [0, UDP]) await client.netOut(handle, { port: 53, protocol });
  for (const options of ['', 'use-vc']) {
    for (const name of ['secret.example.net', 'data-to-steal.example.net', 'example.com', 'x.api.example.com']) assert.equal(await resolve(client, handle, name, options), 'none', name);
  }
  assert.deepEqual(names.asked, []);
  assert.equal(await resolve(client, handle, 'api.example.com', 'use-vc'), INTERNET);
  for (const address of ['198.51.100.3', '192.0.2.99', (await client.info(handle)).host_ip]) {
    const script = `printf '\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\7example\\3net\\0\\0\\1\\0\\1' | perl -e 'use Socket; local $/; my $q = <STDIN>; socket(S, PF_INET, SOCK_DGRAM, 0); send(S, $q, 0, sockaddr_in(53, inet_aton("${address}"))); alarm ${3 * SHORT_PATIENCE}; recv(S, my $r, 512, 0); print unpack("n", substr($r, 2, 2)) & 15'`;
    assert.equal(output(await client.run(handle, script)), '3', `${address} does not know the name`);
  }
  assert.deepEqual(names.asked.map(({ name }) => name), ['api.example.com']);
});

test('a conversation with a name server that is older than the rule ends with it', async () => {
  const { client, handle } = await container();
  await client.netOut(handle, { network: DNS_SERVER, port: 53, protocol: UDP });
  const script = `exec perl -e 'use Socket; $| = 1; socket(S, PF_INET, SOCK_DGRAM, 0); connect(S, sockaddr_in(53, inet_aton("${DNS_SERVER}"))); $SIG{ALRM} = sub { print "nothing\\n"; exit };
    my $q = pack("n6", 7, 256, 1, 0, 0, 0) . "\\6secret\\7example\\3net\\0" . pack("nn", 1, 1);
    for (1 .. 2) { alarm ${2 * SHORT_PATIENCE}; send(S, $q, 0); print defined recv(S, my $r, 512, 0) ? "answered\\n" : "refused\\n"; alarm 0; <STDIN> }'`;
  const jobId = await client.spawn(handle, script, { stdin: true });
  const watcher = await server.connect();
  const said: string[] = [];
  for await (const { data } of watcher.stream(handle, jobId)) {
    said.push(String(data ?? ''));
    if (said.join('') === 'answered\n') {
      await client.netOut(handle, { domain: 'api.example.com', port: ECHO_PORT });
      names.asked.length = 0;
      await client.input(handle, jobId, '\n');
    } else await client.input(handle, jobId, '', true).catch(() => undefined);
  }
  assert.match(said.join(''), /^answered\n(?:refused|nothing)\n$/);
  assert.deepEqual(names.asked, []);
});

test('a wildcard, a chain of aliases, UDP, and all ports', async () => {
  const { client, handle } = await container('*.wild.example.com', 'www.example.com');
  await client.netOut(handle, { domain: 'router.example.com', protocol: UDP });
  assert.equal(await dial(client, handle, 'a.wild.example.com'), 'open');
  assert.equal(await resolve(client, handle, 'wild.example.com'), 'none');
  assert.equal(await resolve(client, handle, 'node.cdn.example'), 'none', 'what an alias leads to is no name of the rules');
  assert.equal(await resolve(client, handle, 'www.example.com'), INTERNET);
  assert.equal(await throwDatagram(client, handle, ROUTER), 'closed');
  assert.equal(await resolve(client, handle, 'router.example.com'), ROUTER);
  assert.equal(await throwDatagram(client, handle, ROUTER), 'open');
  assert.equal(await dial(client, handle, ROUTER), 'closed');
});

test('DNS rebinding: no name opens another container, the host, link-local or denied addresses, and none of them is told', async () => {
  await server.restart({ ...configured, network: { ...configured.network, deny_networks: [`${ROUTER}/32`] } });
  try {
    const neighbour = await server.container();
    const { container_ip, host_ip } = await neighbour.client.info(neighbour.handle);
    const { client, handle } = await container('evil.example.com');
    await names.serve({ 'evil.example.com': { addresses: ['169.254.169.254', '127.0.0.1', '0.0.0.0', container_ip, host_ip, ROUTER, INTERNET] } });
    assert.equal(await resolve(client, handle, 'evil.example.com'), INTERNET);
    for (const address of ['169.254.169.254', container_ip, host_ip, ROUTER]) assert.equal(await dial(client, handle, address), 'closed', address);
    assert.equal(await dial(client, handle, INTERNET), 'open');
  } finally {
    await server.restart(configured);
  }
});

test('an address is open for the time to live, and open connections go on', async () => {
  const { client, handle } = await container('brief.example.com');
  const watcher = await server.connect();
  const jobId = await client.spawn(handle, `exec 3<>/dev/tcp/brief.example.com/${ECHO_PORT} || exit 9; echo connected; read -r line; echo "$line" >&3; head -n 1 <&3`, { stdin: true });
  const stream = watcher.stream(handle, jobId);
  const text: string[] = [];
  for await (const { data } of stream) {
    text.push(String(data ?? ''));
    if (text.join('') !== 'connected\n') continue;
    // The kernel takes the element away; only asking again opens the address again.
    const isOpen = async (): Promise<boolean> => (await server.namespace.run('nft', ['list', 'map', 'inet', server.slot.table, 'opened_ports'])).includes(INTERNET);
    await withDeadline((async () => { while (await isOpen()); })(), 20_000, 'the end of what was opened for a second');
    assert.equal(await dial(client, handle, INTERNET), 'closed');
    await client.input(handle, jobId, 'still here\n');
  }
  assert.equal(text.join(''), 'connected\nstill here\n');
  assert.equal(await dial(client, handle, 'brief.example.com'), 'open');
});

test('a rule that is removed closes what it opened; with the last one DNS is as it was', async () => {
  const { client, handle } = await container('api.example.com', 'router.example.com');
  assert.deepEqual([await dial(client, handle, 'api.example.com'), await dial(client, handle, 'router.example.com')], ['open', 'open']);
  await client.netOut(handle, { domain: 'API.example.com', port: ECHO_PORT, remove: true });
  assert.equal(await dial(client, handle, INTERNET), 'closed');
  assert.equal(await resolve(client, handle, 'api.example.com'), 'none');
  assert.equal(await dial(client, handle, ROUTER), 'open');
  assert.deepEqual((await client.info(handle)).net_out, [{ domain: 'router.example.com', port: ECHO_PORT, protocol: 0 }]);
  await client.netOut(handle, { domain: 'router.example.com', port: ECHO_PORT, remove: true });
  assert.equal(await dial(client, handle, ROUTER), 'closed');
  await client.netOut(handle, { network: DNS_SERVER, port: 53, protocol: UDP });
  assert.equal(await resolve(client, handle, 'secret.example.net'), ROUTER, 'the name server itself answers');
});

test('rules and what was opened survive a restart; rules survive kill -9, and a flush of everything', async () => {
  const { client, handle } = await container('api.example.com');
  assert.equal(await dial(client, handle, 'api.example.com'), 'open');
  await server.restart();
  const again = await server.connect();
  assert.equal(await dial(again, handle, INTERNET), 'open', 'without asking');
  await server.restart(configured, 'SIGKILL');
  const third = await server.connect();
  assert.equal(await resolve(third, handle, 'secret.example.net'), 'none');
  assert.equal(await dial(third, handle, 'api.example.com'), 'open');
  await server.namespace.run('nft', ['flush', 'ruleset']);
  const table = async (): Promise<string> => (await server.namespace.attempt('nft', ['list', 'table', 'inet', server.slot.table])).stdout;
  await withDeadline((async () => { while (!(await table()).includes('restricted_names')); })(), 10_000, 'the tables');
  assert.equal(await dial(third, handle, INTERNET), 'open', 'what was opened is put back');
  assert.equal(await resolve(third, handle, 'secret.example.net'), 'none');
});

test('a resolver that is killed is started again; a flood of questions holds up neither the daemon nor a neighbour\'s', async () => {
  const { client, handle } = await container('api.example.com');
  const resolver = (): number | undefined => findProcesses((pid, command) => parentOf(pid) === server.daemon.pid && command.includes('resolver/main.js'))[0];
  const first = resolver();
  assert.ok(first !== undefined);
  const answers = (): number => server.daemon.log.split('the resolver for domain names answers').length;
  const before = answers();
  process.kill(first, 'SIGKILL');
  await withDeadline((async () => { while (isAlive(first) || answers() === before) await client.ping(); })(), 20_000, 'another resolver');
  assert.equal(await resolve(client, handle, 'api.example.com'), INTERNET);
  const neighbour = await container('api.example.com');
  const flood = `perl -e 'use Socket; my $q = pack("n6", 7, 256, 1, 0, 0, 0) . "\\3api\\7example\\3com\\0" . pack("nn", 1, 1); socket(S, PF_INET, SOCK_DGRAM, 0); my $to = sockaddr_in(53, inet_aton("${DNS_SERVER}")); send(S, $q, 0, $to) for 1 .. 400_000'`;
  const begin = performance.now();
  const flooding = client.run(handle, flood);
  assert.equal(await resolve(neighbour.client, neighbour.handle, 'api.example.com'), INTERNET);
  assert.equal(await dial(neighbour.client, neighbour.handle, INTERNET), 'open');
  await flooding;
  const seconds = (performance.now() - begin) / 1000;
  assert.ok(names.asked.length <= 400 + 200 * seconds + 10, `${names.asked.length} of the questions got through in ${seconds} s`);
});
