/* resolv.conf of containers, and the forwarder on their host's end: who is answered, by which protocol, and who is not. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { Lan } from '../harness/lan.js';
import { NameServer } from '../harness/name-server.js';
import { findProcesses, parentOf } from '../harness/processes.js';
import { SHORT_PATIENCE } from '../harness/patience.js';

let lan: Lan;
let names: NameServer;
const STUB = '127.0.0.1';
/** The host has a name server on loopback and nowhere else. */
const open = { network: { allow_networks: ['0.0.0.0/0'] } };
const files = { nsswitch: 'passwd: files\ngroup: files\nhosts: files dns\n' };

const server = useServer({
  networkNamespace: true,
  rootfs: { change: (directory) => writeFileSync(join(directory, 'etc/nsswitch.conf'), files.nsswitch) },
}, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
  names = await NameServer.start(namespace, STUB);
  await hostUses(`nameserver ${STUB}\n`);
});
after(async () => {
  await names.close();
  await lan.close();
});

/** What the daemon's machine has in /etc/resolv.conf from now on. */
async function hostUses(text: string): Promise<void> {
  const file = join(server.slot.directory, 'resolv.conf');
  writeFileSync(file, text);
  const { stdout } = await server.namespace.attempt('findmnt', ['--noheadings', '/etc/resolv.conf']);
  if (!stdout.includes('resolv.conf')) await server.namespace.run('mount', ['--bind', file, '/etc/resolv.conf']);
}

const resolvConf = async (client: Client, handle: string): Promise<string> => output(await client.run(handle, 'cat /etc/resolv.conf'));

/** What a name resolves to; `none` when it does not. */
async function resolve(client: Client, handle: string, name: string, options = ''): Promise<string> {
  const { stdout } = await client.run(handle, `export RES_OPTIONS='timeout:${SHORT_PATIENCE} attempts:1 ${options}'; getent ahostsv4 ${name} | grep STREAM | cut -d ' ' -f 1 | sort | tr '\\n' ' '; [ \${PIPESTATUS[0]} = 0 ] || echo none`);
  return stdout.trim();
}

const resolvers = (): number[] => findProcesses((pid, command) => parentOf(pid) === server.daemon.pid && command.includes('resolver/main.js'));

test('with a name server on loopback alone, containers get their host end', async () => {
  const { client, handle } = await server.container();
  const { host_ip } = await client.info(handle);
  assert.equal(await resolvConf(client, handle), `nameserver ${host_ip}\n`);
});

test('a container that reaches nothing is told no name, and nobody is asked', async () => {
  await names.serve({ 'api.example.com': { addresses: ['203.0.113.10'] } });
  const { client, handle } = await server.container();
  assert.equal(await resolve(client, handle, 'api.example.com'), 'none');
  assert.equal(await resolve(client, handle, 'api.example.com', 'use-vc'), 'none');
  assert.deepEqual([names.asked, resolvers()], [[], []]);
});

test('where every network is allowed, the host\'s own name server is asked for the container, by UDP and TCP', async () => {
  await server.restart({ ...open });
  try {
    await names.serve({ 'api.example.com': { alias: 'edge.example.net' }, 'edge.example.net': { addresses: ['203.0.113.10', '203.0.113.11'] }, 'large.example.com': { addresses: Array.from({ length: 40 }, (_, index) => `203.0.113.${index}`) } });
    const { client, handle } = await server.container();
    assert.equal(await resolve(client, handle, 'api.example.com'), '203.0.113.10 203.0.113.11');
    assert.equal(await resolve(client, handle, 'api.example.com', 'use-vc'), '203.0.113.10 203.0.113.11');
    assert.equal(await resolve(client, handle, 'gone.example.com'), 'none');
    assert.equal((await resolve(client, handle, 'large.example.com')).split(' ').length, 40, 'an answer that does not fit into a datagram');
    assert.deepEqual([...new Set(names.asked.map(({ protocol }) => protocol))].sort(), ['tcp', 'udp']);
    assert.equal(resolvers().length, 1);
  } finally {
    await server.restart({ network: {} });
  }
});

test('the resolver\'s own port is closed to containers and to the network; it ends with the daemon', async () => {
  await server.restart({ network: { ...open.network, allow_host_access: true } });
  try {
    const { client, handle } = await server.container();
    await names.serve({ 'api.example.com': { addresses: ['203.0.113.10'] } });
    assert.equal(await resolve(client, handle, 'api.example.com'), '203.0.113.10');
    // The log goes on over restarts.
    const port = [...server.daemon.log.matchAll(/"port":(\d+),"msg":"the resolver for domain names answers"/g)].at(-1)?.[1];
    assert.ok(port !== undefined, server.daemon.log);
    const { host_ip } = await client.info(handle);
    for (const address of [host_ip, lan.hostAddress]) {
      const { stdout } = await client.run(handle, `timeout ${SHORT_PATIENCE} bash -c 'exec 3<>/dev/tcp/${address}/${port} && echo open' 2>/dev/null || echo closed`);
      assert.equal(stdout, 'closed\n', address);
    }
    for (const place of [lan.neighbour.namespace, server.namespace]) {
      assert.notEqual((await place.attempt('timeout', [String(SHORT_PATIENCE), 'bash', '-c', `exec 3<>/dev/tcp/${lan.hostAddress}/${port}`])).status, 0);
    }
    const [pid] = resolvers();
    assert.ok(pid !== undefined);
  } finally {
    await server.restart({ network: {} });
  }
  assert.deepEqual(findProcesses((_, command) => command.includes('resolver/main.js') && command.includes('packages/server')).filter((pid) => parentOf(pid) === 1), []);
});
