/* net_out: what a rule opens, and that it opens nothing else. The daemon has a network of its own. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client, NetOut } from '../harness/client.js';
import { refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { tableElements } from '../harness/nftables.js';
import { SHORT_PATIENCE } from '../harness/patience.js';
import { mustRun } from '../harness/run-program.js';

const [TCP, UDP, ICMP, ALL] = [0, 1, 2, 3];
const OTHER_PORT = 80;

let lan: Lan;
const server = useServer({ networkNamespace: true }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

/** What a container reaches of `targets`: each `protocol address port`, or `icmp address`. What is in `open` is waited for longer. */
async function reached(client: Client, handle: string, targets: readonly string[], open: readonly string[]): Promise<string[]> {
  const tries = targets.map((target) => {
    const [protocol, address, port] = target.split(' ');
    const seconds = open.includes(target) ? 10 : SHORT_PATIENCE;
    if (protocol === 'icmp') return `/probes/ping -c 1 -W ${seconds} ${address} >/dev/null && echo ${target}`;
    return `[ "$(timeout ${seconds} bash -c 'exec 3<>/dev/${protocol}/${address}/${port} && echo hi >&3 && head -n 1 <&3' 2>/dev/null)" = hi ] && echo ${target}`;
  });
  // Side by side: those that are closed wait for their time.
  const { stdout } = await client.run(handle, `${tries.map((each) => `(${each}) &`).join('\n')}\nwait`);
  const lines = new Set(stdout.trim().split('\n'));
  return targets.filter((target) => lines.has(target));
}

/** Of everything that there is around, or of `targets`, just these are open. */
async function expectOpen({ client, handle }: { client: Client; handle: string }, open: readonly string[], targets = everywhere(), message = handle): Promise<void> {
  assert.deepEqual(await reached(client, handle, targets, open), open, message);
}

async function expectOpenWith(rule: NetOut, open: readonly string[], targets = everywhere()): Promise<void> {
  const container = await server.container();
  await container.client.netOut(container.handle, rule);
  await expectOpen(container, open, targets, JSON.stringify(rule));
  await container.client.destroy(container.handle);
}

/** Those of all containers. */
async function rulesInKernel(): Promise<string[]> {
  return (await tableElements(server.slot.table, server.namespace)).filter((element) => element.includes('rule in'));
}

/** Everything that there is around. */
const everywhere = (): string[] => [lan.router.address, lan.neighbour.address, lan.internetAddress, lan.metadataAddress].flatMap((address) => [`tcp ${address} ${ECHO_PORT}`, `udp ${address} ${ECHO_PORT}`, `icmp ${address}`]);

test('every form of a rule opens what it names', async () => {
  const { router: { address: router }, neighbour: { address: neighbour }, internetAddress: internet } = lan;
  const port = ECHO_PORT;
  const forms: [NetOut, string[]][] = [
    [{ network: router }, [`tcp ${router} ${port}`]],
    [{ network: router, port, protocol: TCP }, [`tcp ${router} ${port}`]],
    [{ network: router, port: OTHER_PORT }, []],
    [{ network: router, port, protocol: UDP }, [`udp ${router} ${port}`]],
    [{ network: router, port_range: `${port - 1}:${port}` }, [`tcp ${router} ${port}`]],
    [{ network: router, port_range: `${port}:${port + 1}` }, [`tcp ${router} ${port}`]],
    [{ network: router, port_range: `${port + 1}:${port + 2}` }, []],
    [{ network: '198.51.100.0/24', protocol: UDP }, [`udp ${router} ${port}`, `udp ${neighbour} ${port}`]],
    [{ network: `198.51.100.3-203.0.113.10`, port }, [`tcp ${neighbour} ${port}`, `tcp ${internet} ${port}`]],
    [{ network: router, protocol: ICMP }, [`icmp ${router}`]],
    [{ network: router, protocol: ICMP, icmp_type: 8, icmp_code: 0 }, [`icmp ${router}`]],
    [{ network: router, protocol: ICMP, icmp_type: -1, icmp_code: -1 }, [`icmp ${router}`]],
    [{ network: router, protocol: ICMP, icmp_type: 13 }, []],
    [{ network: router, protocol: ICMP, icmp_type: 8, icmp_code: 1 }, []],
    [{ network: router, protocol: ALL }, [`tcp ${router} ${port}`, `udp ${router} ${port}`, `icmp ${router}`]],
    [{ port }, [`tcp ${router} ${port}`, `tcp ${neighbour} ${port}`, `tcp ${internet} ${port}`]],
    [{ port_range: '1:65535', protocol: UDP, log: true }, [`udp ${router} ${port}`, `udp ${neighbour} ${port}`, `udp ${internet} ${port}`]],
  ];
  // Four at a time: a machine that is slow has to answer within the time for what is closed.
  for (let at = 0; at < forms.length; at += 4) await Promise.all(forms.slice(at, at + 4).map(([rule, open]) => expectOpenWith(rule, open)));
});

test('a wildcard opens neither metadata, nor the host, nor another container; each is opened by its name', async () => {
  const [first, other] = [await server.container(), await server.container()];
  const { container_ip: inside, host_ip: host } = await first.client.info(other.handle);
  const watcher = await server.connect();
  const jobId = await other.client.spawn(other.handle, 'exec perl -MIO::Socket::INET -e \'$| = 1; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0:7777", ReuseAddr => 1) or die $!; '
    + 'print "listening\n"; while (my $c = $l->accept) { print $c "hi\n"; close $c }\'');
  await streamUntil(watcher.stream(other.handle, jobId), 'listening');
  const { client, handle } = first;
  const [metadata, container] = [`tcp ${lan.metadataAddress} ${ECHO_PORT}`, `tcp ${inside} ${ECHO_PORT}`];
  const targets = [metadata, `icmp ${lan.metadataAddress}`, container, `icmp ${inside}`, `icmp ${host}`, `icmp ${lan.hostAddress}`];
  for (const network of ['0.0.0.0/0', '169.0.0.0/8', `${server.slot.network.split('.')[0]}.0.0.0/8`, '0.0.0.0-255.255.255.255']) await client.netOut(handle, { network, protocol: ALL });
  await client.netOut(handle, { port: ECHO_PORT });
  await expectOpen(first, [], targets);
  await expectOpen(first, [`tcp ${lan.internetAddress} ${ECHO_PORT}`], [`tcp ${lan.internetAddress} ${ECHO_PORT}`], 'the wildcard is there');
  assert.ok(!lan.contacts.some(({ to }) => to === lan.metadataAddress));
  await client.netOut(handle, { network: `${lan.metadataAddress}/32`, port: ECHO_PORT });
  await client.netOut(handle, { network: inside });
  await expectOpen(first, [metadata, container], targets);
});

test('a denied network is opened by a rule that names it, and by no other', async () => {
  await server.restart({ networkNamespace: true, network: { deny_networks: ['198.51.100.0/24'] } });
  try {
    const targets = [`tcp ${lan.router.address} ${ECHO_PORT}`, `tcp ${lan.internetAddress} ${ECHO_PORT}`];
    await expectOpenWith({ network: '0.0.0.0/0' }, targets.slice(1), targets);
    await expectOpenWith({ network: '198.51.0.0/16' }, [], targets);
    await expectOpenWith({ network: lan.router.address }, targets.slice(0, 1), targets);
  } finally {
    await server.restart({ networkNamespace: true });
  }
});

test('a rule is one container\'s alone', async () => {
  const [open, closed] = [await server.container(), await server.container()];
  await open.client.netOut(open.handle, { network: lan.router.address });
  const target = [`tcp ${lan.router.address} ${ECHO_PORT}`];
  await expectOpen(open, target, target);
  await expectOpen(closed, [], target);
});

test('info lists the rules in order; one that is removed is closed, and what it had let through goes on', async () => {
  const { client, handle } = await server.container({ handle: 'no-remove' });
  assert.deepEqual((await client.info(handle)).net_out, []);
  const rules: NetOut[] = [
    { network: '203.0.113.0/24', protocol: TCP, port: ECHO_PORT },
    { network: lan.router.address, protocol: TCP, port_range: '7000:8000', log: true },
    { network: lan.neighbour.address, protocol: ICMP, icmp_type: 8, icmp_code: 0 },
  ];
  for (const rule of [...rules, ...rules]) await client.netOut(handle, rule);
  assert.deepEqual((await client.info(handle)).net_out, rules);
  assert.deepEqual((await client.run(handle, 'true')).info.net_out, [], 'replies of jobs have no rules');
  const talk = await client.spawn(handle, `exec 3<>/dev/tcp/${lan.router.address}/${ECHO_PORT}; echo connected; read go; echo hi >&3; head -n 1 <&3`, { stdin: true });
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, talk), 'connected');
  // A stream that is there when the job ends takes its result.
  watcher.close();
  await client.netOut(handle, { network: lan.router.address, port_range: '7000:8000', log: true, remove: true });
  assert.deepEqual((await client.info(handle)).net_out, [rules[0], rules[2]]);
  await expectOpen({ client, handle }, [`icmp ${lan.neighbour.address}`, `tcp ${lan.internetAddress} ${ECHO_PORT}`]);
  await client.input(handle, talk, 'go\n');
  assert.equal((await client.link(handle, talk)).stdout, 'connected\nhi\n');
  await refused(client.netOut(handle, { network: lan.router.address, remove: true }), 'not_found', /no such rule: tcp 198\.51\.100\.2/);
  for (const rule of [rules[0], rules[2]]) await client.netOut(handle, { ...rule, remove: true });
  await expectOpen({ client, handle }, []);
});

test('rules come back after a restart, a kill -9 and a flush, and a destroy takes them away', async () => {
  const { client, handle } = await server.container({ handle: 'no-restart' });
  const rules: NetOut[] = [{ network: lan.router.address, protocol: TCP, port: ECHO_PORT }, { protocol: UDP, port_range: '1:65535', log: true }];
  for (const rule of rules) await client.netOut(handle, rule);
  const open = everywhere().filter((target) => target === `tcp ${lan.router.address} ${ECHO_PORT}` || (target.startsWith('udp') && !target.includes(lan.metadataAddress)));
  for (const end of ['SIGTERM', 'SIGKILL', 'flush'] as const) {
    await server.stop(end === 'SIGTERM' ? 'SIGTERM' : 'SIGKILL');
    if (end === 'flush') await server.namespace.run('nft', ['flush', 'ruleset']);
    await server.start();
    const again = await server.connect();
    assert.deepEqual((await again.info(handle)).net_out, rules, end);
    await expectOpen({ client: again, handle }, open, everywhere(), end);
  }
  const again = await server.connect();
  await again.netOut(handle, { ...rules[0], remove: true });
  await again.destroy(handle);
  assert.deepEqual(await rulesInKernel(), []);
});

test('rules come back when somebody flushes the tables under a daemon that runs, and a request that finds none loads them', async () => {
  const { client, handle } = await server.container({ handle: 'no-flush' });
  const { internetAddress, router: { address } } = lan;
  await client.netOut(handle, { network: address, port: ECHO_PORT });
  await server.namespace.run('nft', ['flush', 'ruleset']);
  // Whoever sees it first, the watch or this request: the tables are there when it is answered.
  await client.netOut(handle, { network: internetAddress, protocol: UDP });
  await expectOpen({ client, handle }, everywhere().filter((target) => target === `tcp ${address} ${ECHO_PORT}` || target === `udp ${internetAddress} ${ECHO_PORT}`));
  assert.deepEqual((await rulesInKernel()).length, 2, 'each rule is there once');
});

test('what the kernel cannot track leaves no container, whatever its rules: it would carry the container\'s own address', async () => {
  const { client, handle } = await server.container();
  const { container_ip: inside } = await client.info(handle);
  const { address, namespace } = lan.router;
  await client.netOut(handle, { network: '0.0.0.0/0', protocol: ALL });
  await namespace.run('nft', ['-f', '-'], { input: `table ip seen {\n chain prerouting {\n type filter hook prerouting priority raw;\n ip saddr ${inside} counter\n ip saddr ${lan.hostAddress} tcp dport 4242 counter\n }\n}\n` });
  const [pid] = await server.pidsOf(handle);
  // TCP segments to port 4242: a SYN without a checksum, SYN and FIN together, and a SYN as it ought to be.
  const segments = `use Socket; socket(my $s, AF_INET, SOCK_RAW, 6) or die $!; my $to = sockaddr_in(0, inet_aton("${address}"));
    sub sum { my $n = 0; $n += $_ for unpack "n*", $_[0]; $n = ($n & 0xffff) + ($n >> 16) while $n > 0xffff; return ~$n & 0xffff }
    sub segment { my ($flags, $checked) = @_; my $tcp = pack "nnNNCCnnn", 4000, 4242, 1, 0, 0x50, $flags, 1000, 0, 0;
      my $sum = sum(inet_aton("${inside}") . inet_aton("${address}") . pack("nn", 6, length $tcp) . $tcp); substr($tcp, 16, 2) = pack "n", $checked ? $sum : 0; send($s, $tcp, 0, $to) or die $! }
    segment(2, 0); segment(3, 1); segment(2, 1);`;
  await mustRun('nsenter', ['--net', '--target', String(pid), 'perl', '-e', segments]);
  await lan.flush();
  const counted = [...(await namespace.run('nft', ['list', 'table', 'ip', 'seen'])).matchAll(/packets (\d+)/g)].map(([, packets]) => Number(packets));
  await namespace.run('nft', ['delete', 'table', 'ip', 'seen']);
  assert.deepEqual(counted, [0, 1]);
});

test('nor does what a rule of the host exempts from tracking', async () => {
  const { client, handle } = await server.container();
  const { container_ip: inside } = await client.info(handle);
  const { address, namespace } = lan.router;
  await client.netOut(handle, { network: '0.0.0.0/0', protocol: ALL });
  await namespace.run('nft', ['-f', '-'], { input: `table ip seen {\n chain prerouting {\n type filter hook prerouting priority raw;\n ip saddr { ${inside}, ${lan.hostAddress} } udp dport 4242-4243 counter\n }\n}\n` });
  await server.namespace.run('nft', ['-f', '-'], { input: 'table ip untracked {\n chain prerouting {\n type filter hook prerouting priority raw;\n udp dport 4242 counter notrack\n }\n}\n' });
  const [pid] = await server.pidsOf(handle);
  const countedIn = async (place: typeof namespace, table: string): Promise<string | undefined> => /packets (\d+)/.exec(await place.run('nft', ['list', 'table', 'ip', table]))?.[1];
  const send = (port: number): Promise<string> => mustRun('nsenter', ['--net', '--target', String(pid), 'bash', '-c', `echo > /dev/udp/${address}/${port}`]);
  await send(4242);
  await lan.flush();
  assert.deepEqual([await countedIn(server.namespace, 'untracked'), await countedIn(namespace, 'seen')], ['1', '0']);
  await send(4243);
  await lan.flush();
  assert.equal(await countedIn(namespace, 'seen'), '1', 'the probe can succeed');
  await server.namespace.run('nft', ['delete', 'table', 'ip', 'untracked']);
  await namespace.run('nft', ['delete', 'table', 'ip', 'seen']);
});

test('the last of many rules counts like the first', async () => {
  const { client, handle } = await server.container();
  for (let port = 1; port < 200; port++) await client.netOut(handle, { network: lan.router.address, port });
  const last = { network: lan.router.address, port: ECHO_PORT };
  await client.netOut(handle, last);
  await expectOpen({ client, handle }, [`tcp ${lan.router.address} ${ECHO_PORT}`]);
  await client.netOut(handle, { ...last, remove: true });
  await expectOpen({ client, handle }, []);
});
