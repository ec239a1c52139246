/* A container's link goes with it, also when the kernel would keep its network for a connection whose peer does not answer any more. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { listLinks } from '../harness/links.js';
import { untilClean } from '../harness/wait.js';

let lan: Lan;
const server = useServer({ networkNamespace: true, network: { allow_networks: ['198.51.100.0/24'], release_delay: 0 } }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

const isThere = async (name: string): Promise<boolean> => (await listLinks(server.namespace)).some((link) => link.name === name);

/** A container that is destroyed while it has a connection to a machine that becomes deaf, and stays so while `work` goes on. */
async function destroyInTalk(handle: string, work: () => Promise<void>): Promise<void> {
  const { client } = await server.container({ handle });
  const jobId = await client.spawn(handle, `exec 3<>/dev/tcp/${lan.router.address}/${ECHO_PORT}; echo hi >&3; head -n 1 <&3; exec sleep 1000`);
  await streamUntil((await server.connect()).stream(handle, jobId), 'hi');
  await lan.router.namespace.run('nft', ['-f', '-'], { input: 'table inet deaf { chain input { type filter hook input priority 0; policy drop; }; }' });
  try {
    await client.destroy(handle);
    await work();
  } finally {
    await lan.router.namespace.run('nft', ['delete', 'table', 'inet', 'deaf']);
  }
}

async function untilGone(name: string): Promise<void> {
  assert.deepEqual(await untilClean(async () => (await isThere(name) ? [`${name} is there`] : []), () => server.links.nextChange(), 15_000), []);
}

test('the link of a container whose peer has gone is removed', async () => {
  await destroyInTalk('staleone', async () => {
    assert.ok(await isThere('w-staleone-0'), 'the kernel keeps it');
    await untilGone('w-staleone-0');
  });
});

test('the next container of that handle, and perhaps with its address, has its own link, and keeps it', async () => {
  await destroyInTalk('staletwo', async () => {
    const { client, handle } = await server.container({ handle: 'staletwo' });
    assert.equal((await client.run(handle, 'true')).status, 0);
  });
  await destroyInTalk('stalelater', () => untilGone('w-stalelater-0'));
  assert.ok(await isThere('w-staletwo-0'));
});
