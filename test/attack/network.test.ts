/*
 * C: attacks over the network. A job can make no raw packet (kernel-interface.test.ts), so these are sent from the host's
 * side of the fence: by a program of the host that enters the container's network namespace with all its rights. What
 * it cannot do, no job can do that broke every other rule.
 */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { compileProbe } from '../harness/programs.js';
import { mustRun, runProgram } from '../harness/run-program.js';
import { World } from '../harness/world.js';

const received: { from: string; text: string }[] = [];
let world: World;
let udp: dgram.Socket;
let tcp: net.Server;
let port = 0;
let spoof = '';

/** A /30 that is used again at once still has its old link for some milliseconds, which takes the first packets. */
const REST = { release_delay: 5 };
const server = useServer({ network: REST }, async ({ slot }) => {
  world = await World.open(slot);
  udp = dgram.createSocket('udp4', (message, remote) => received.push({ from: remote.address, text: message.toString() }));
  udp.bind(0);
  await once(udp, 'listening');
  ({ port } = udp.address());
  tcp = net.createServer((socket) => { received.push({ from: socket.remoteAddress ?? '', text: 'tcp' }); socket.destroy(); });
  tcp.listen(port, '::');
  await once(tcp, 'listening');
  spoof = await compileProbe('spoof', slot.directory);
});
after(async () => {
  udp.close();
  tcp.close();
  await world.close();
});

interface Inside { readonly pid: number; readonly name: string; readonly mac: string; readonly hostMac: string; readonly hostIp: string; readonly ip: string }

async function inside(name: string): Promise<Inside> {
  const { client, handle } = await server.container({ handle: name });
  const { host_ip, container_ip } = await client.info(handle);
  const [pid = 0] = await server.pidsOf(handle);
  const interfaceName = `w-${name}-1`;
  const links = JSON.parse(await mustRun('nsenter', ['--net', '--target', String(pid), 'ip', '-json', 'link', 'show', 'dev', interfaceName])) as { address: string }[];
  const mac = links[0]?.address ?? '';
  const hostLinks = JSON.parse(await mustRun('ip', ['-json', 'link', 'show', 'dev', `w-${name}-0`])) as { address: string }[];
  return { pid, name: interfaceName, mac, hostMac: hostLinks[0]?.address ?? '', hostIp: host_ip, ip: container_ip };
}

async function enter(container: Inside, ...command: string[]): Promise<string> {
  return await mustRun('nsenter', ['--net', '--target', String(container.pid), ...command]);
}

async function sendSpoofed(from: Inside, target: string, targetPort: number, source: string, mac: string, count: number): Promise<void> {
  const sent = Number(await enter(from, spoof, from.name, from.hostMac, target, String(targetPort), source, mac, String(count)));
  assert.ok(sent >= count * 0.9, `${sent} of ${count} frames were sent`);
}

/** Everything that has been sent to our socket is there once this datagram is. */
async function flush(): Promise<void> {
  const mark = `mark ${Math.random()}`;
  const socket = dgram.createSocket('udp4');
  socket.send(mark, port, '127.0.0.1');
  while (!received.some(({ text }) => text === mark)) await once(udp, 'message');
  socket.close();
}

const foreign = (): { from: string; text: string }[] => received.filter(({ from }) => from !== '127.0.0.1');

test('C1: no listening service of the host is open from a container', async () => {
  const container = await inside('c1');
  received.length = 0;
  const addresses = Object.values(networkInterfaces()).flat().filter((entry) => entry?.family === 'IPv4' && !entry.internal).map((entry) => entry?.address ?? '');
  for (const address of addresses) {
    const { status } = await runProgram('nsenter', ['--net', '--target', String(container.pid), 'timeout', '1', 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`]);
    assert.notEqual(status, 0, address);
  }
  assert.deepEqual(foreign(), []);
});

test('C2: nothing of the host is reached over IPv6, link-local or by multicast', async () => {
  const container = await inside('c2');
  received.length = 0;
  // Root of the host gives the container's end the address that the kernel was not asked to make.
  await runProgram('nsenter', ['--net', '--target', String(container.pid), 'bash', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${container.name}/disable_ipv6`]);
  await runProgram('nsenter', ['--net', '--target', String(container.pid), 'ip', '-6', 'address', 'add', 'fe80::5/64', 'dev', container.name, 'nodad']);
  await runProgram('ip', ['-6', 'address', 'add', 'fe80::4/64', 'dev', 'w-c2-0', 'nodad']);
  const { status } = await runProgram('nsenter', ['--net', '--target', String(container.pid), 'timeout', '1', 'bash', '-c', `exec 3<>/dev/tcp/fe80::4%${container.name}/${port}`]);
  assert.notEqual(status, 0);
  const ping = await runProgram('nsenter', ['--net', '--target', String(container.pid), 'ping', '-6', '-c', '1', '-W', '1', `ff02::1%${container.name}`]);
  assert.ok(!/bytes from fe80::4/.test(ping.stdout), ping.stdout);
  assert.deepEqual(foreign(), []);
});

test('C5, C8: neither a neighbour\'s gateway address nor a container is reached from elsewhere', async () => {
  const [one, two] = [await inside('c8'), await inside('c8n')];
  const { status } = await runProgram('nsenter', ['--net', '--target', String(one.pid), 'ping', '-c', '1', '-W', '1', two.hostIp]);
  assert.notEqual(status, 0);
  const [program = '', ...args] = [...world.enter, 'ping', '-c', '1', '-W', '1', one.ip];
  assert.notEqual((await runProgram(program, args)).status, 0, 'from the world');
  await mustRun('ping', ['-c', '1', '-W', '2', one.ip]);
});

test('C6: loopback addresses of the host are not reached by routing tricks', async () => {
  const container = await inside('c6');
  received.length = 0;
  await enter(container, 'ip', 'address', 'del', '127.0.0.1/8', 'dev', 'lo').catch(() => '');
  await enter(container, 'ip', 'route', 'replace', '127.0.0.0/8', 'via', container.hostIp, 'dev', container.name).catch(() => '');
  await sendSpoofed(container, '127.0.0.1', port, container.ip, container.mac, 200);
  await flush();
  assert.deepEqual(foreign(), []);
});
