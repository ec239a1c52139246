/* A hundred containers with an open connection each: it lives through a daemon that ends or is killed, and through a flush of the firewall. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';

const COUNT = 100;
let lan: Lan;
const server = useServer({ networkNamespace: true, network: { allow_networks: ['198.51.100.2'] } }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

/** Calls `work` for all of them, some at a time, each with a connection of its own. */
async function forAll(handles: readonly string[], work: (client: Client, handle: string) => Promise<void>): Promise<void> {
  const rest = handles.values();
  await Promise.all(Array.from({ length: 8 }, async () => {
    const client = await server.connect();
    for (const handle of rest) await work(client, handle);
    client.close();
  }));
}

/** Every container says a word over the connection that it has; the router has to hear all of them. */
async function speak(handles: readonly string[], word: string): Promise<void> {
  lan.forget();
  await forAll(handles, async (client, handle) => { await client.run(handle, `echo ${word}-${handle}- > /tmp/in`); });
  for (const handle of handles) await lan.contact(({ data }) => data.includes(`${word}-${handle}-`), 20_000).catch((error: unknown) => { throw new Error(`${word} of ${handle}`, { cause: error }); });
}

test(`restarts and a flush with ${COUNT} containers keep their connections`, async () => {
  const handles = Array.from({ length: COUNT }, (_, index) => `many-${index}`);
  await forAll(handles, async (client, handle) => {
    await client.create({ handle });
    server.handles.add(handle);
    await client.run(handle, 'mkfifo /tmp/in');
    await client.spawn(handle, `exec 3<>/dev/tcp/${lan.router.address}/${ECHO_PORT} 4<>/tmp/in; cat <&4 >&3`);
  });
  await speak(handles, 'first');
  const opened = lan.contacts.length;
  assert.ok(opened >= COUNT);
  await server.restart();
  await speak(handles, 'after-TERM');
  await server.stop('SIGKILL');
  await server.namespace.run('nft', ['flush', 'ruleset']);
  await server.start();
  await speak(handles, 'after-KILL');
  const from = server.daemon.log.length;
  await server.namespace.run('nft', ['flush', 'ruleset']);
  // What is sent before that leaves with the container's own address, which this router even answers.
  await server.daemon.logged('has been loaded again', { from });
  await speak(handles, 'after-flush');
  assert.ok(lan.contacts.every(({ data }) => data !== ''), 'no connection was opened again');
});
