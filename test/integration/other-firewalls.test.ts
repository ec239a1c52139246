/* Firewalls of other software beside ours: nft tables, iptables-nft and iptables-legacy. Neither disturbs the other. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';

let lan: Lan;
const network = { allow_networks: ['198.51.100.2'], release_delay: 5 };
const server = useServer({ networkNamespace: true, network }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

const run = (program: string, ...args: string[]): Promise<string> => server.namespace.run(program, args);

async function dial(client: Client, handle: string, address: string, seconds: number): Promise<string> {
  const { stdout } = await client.run(handle, `timeout ${seconds} bash -c 'exec 3<>/dev/tcp/${address}/${ECHO_PORT} && echo hi >&3 && head -n 1 <&3' 2>/dev/null || echo closed`);
  return stdout.trim();
}

/** What the others have, as they list it. */
async function others(): Promise<string> {
  return [await run('nft', '--stateless', 'list', 'table', 'inet', 'other'), await run('iptables-nft-save'), await run('iptables-legacy-save')].join('').replace(/^[:#].*$/gm, '');
}

test('rules of others are the same after a start, creates, repairs, a restart and the end, and ours hold beside them', async () => {
  await run('nft', 'add table inet other; add set inet other names { type ifname; }; add chain inet other input { type filter hook input priority 0; }; add rule inet other input iifname @names accept');
  await run('iptables-nft', '-t', 'nat', '-A', 'POSTROUTING', '-s', '192.0.2.0/24', '-j', 'MASQUERADE');
  await run('iptables-nft', '-A', 'FORWARD', '-i', 'w-+', '-j', 'ACCEPT');
  await run('iptables-nft', '-A', 'INPUT', '-j', 'ACCEPT');
  await run('iptables-legacy', '-A', 'FORWARD', '-i', 'w-+', '-j', 'ACCEPT');
  const before = await others();
  assert.match(before, /192\.0\.2\.0/);
  await server.restart();
  const { client, handle } = await server.container();
  assert.equal(await dial(client, handle, lan.router.address, 10), 'hi');
  assert.equal(await dial(client, handle, lan.internetAddress, 1), 'closed', 'what others accept is not open for that');
  const { host_ip } = await client.info(handle);
  assert.equal(await dial(client, handle, host_ip, 1), 'closed');
  const from = server.daemon.log.length;
  await run('nft', 'delete', 'table', 'arp', server.slot.table);
  await server.daemon.logged('has been loaded again', { from });
  assert.equal(await others(), before);
  await server.stop('SIGKILL');
  await server.start();
  assert.equal(await others(), before);
  await server.destroyAll();
  await server.stop();
  assert.equal(await others(), before);
  assert.notEqual((await server.namespace.attempt('nft', ['list', 'table', 'inet', server.slot.table])).status, 0, 'ours are gone with the last container');
  await run('nft', 'flush', 'ruleset');
  await run('iptables-legacy', '-F');
  await server.start();
});

for (const [program, name] of [['iptables-nft', 'chain FORWARD of table ip filter'], ['iptables-legacy', 'chain FORWARD of iptables-legacy']] as const) {
  test(`${program}: a FORWARD chain that drops is named at the start, and the rules of docs/network.md help`, async () => {
    await run(program, '-P', 'FORWARD', 'DROP');
    try {
      const from = server.daemon.log.length;
      await server.restart();
      await server.daemon.logged(`${name} drops what is forwarded`, { from });
      const { client, handle } = await server.container();
      assert.equal(await dial(client, handle, lan.router.address, 1), 'closed');
      await run(program, '-I', 'FORWARD', '-i', 'w-+', '-j', 'ACCEPT');
      await run(program, '-I', 'FORWARD', '-o', 'w-+', '-j', 'ACCEPT');
      assert.equal(await dial(client, handle, lan.router.address, 10), 'hi');
      assert.equal(await dial(client, handle, lan.internetAddress, 1), 'closed');
    } finally {
      await run(program, '-F', 'FORWARD');
      await run(program, '-P', 'FORWARD', 'ACCEPT');
    }
  });
}
