/* A daemon in a network namespace of its own, with a local network around it: nothing of it is in the machine's network. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { runProgram } from '../harness/run-program.js';

let lan: Lan;
const server = useServer({ networkNamespace: true }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

test('tables and links of the daemon are in its namespace, and not in ours', async () => {
  const { handle } = await server.container({ handle: 'own-net' });
  assert.equal(handle, 'own-net');
  const { table } = server.slot;
  assert.match(await server.namespace.run('nft', ['list', 'table', 'inet', table]), /"w-own-net-0"/);
  assert.notEqual((await runProgram('nft', ['list', 'table', 'inet', table])).status, 0);
  assert.equal((await server.namespace.run('ls', ['/sys/class/net'])).split('\n').includes('w-own-net-0'), true);
  assert.equal(existsSync('/sys/class/net/w-own-net-0'), false);
});

test('a container reaches the machines around only when its networks are allowed, and none reaches it', async () => {
  const { client, handle } = await server.container();
  const addresses = [lan.router.address, lan.neighbour.address, lan.internetAddress];
  const dial = async (who: { run: typeof client.run }, name: string, address: string, seconds: number): Promise<string> =>
    (await who.run(name, `timeout ${seconds} bash -c 'exec 3<>/dev/tcp/${address}/${ECHO_PORT} && echo hi >&3 && head -n 1 <&3' 2>/dev/null || echo closed`)).stdout.trim();
  for (const address of addresses) assert.equal(await dial(client, handle, address, 1), 'closed', address);
  await lan.flush();
  assert.ok(lan.contacts.every(({ from }) => from === lan.hostAddress), JSON.stringify(lan.contacts));
  const { container_ip } = await client.info(handle);
  for (const { namespace } of [lan.router, lan.neighbour]) assert.notEqual((await namespace.attempt('ping', ['-c', '1', '-W', '1', container_ip])).status, 0);
  await server.namespace.run('ping', ['-c', '1', '-W', '2', container_ip]);

  await server.restart({ network: { allow_networks: ['0.0.0.0/0'] } });
  try {
    const open = await server.container();
    for (const address of addresses) assert.equal(await dial(open.client, open.handle, address, 10), 'hi', address);
    assert.equal(await dial(open.client, open.handle, lan.metadataAddress, 1), 'closed', 'the metadata service is not opened by a wildcard');
    assert.ok(!lan.contacts.some(({ to }) => to === lan.metadataAddress));
  } finally {
    await server.restart({});
  }
});
