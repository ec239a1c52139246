/* Somebody flushes, damages or adds to the firewall, or it is gone when the daemon comes back: it is as it has to be at once, and connections live on. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { ECHO_PORT, Lan } from '../harness/lan.js';
import { untilClean } from '../harness/wait.js';

let lan: Lan;
/** The router is open to everybody, the internet to nobody. */
const network = { allow_networks: ['198.51.100.2'], release_delay: 5 };
const server = useServer({ networkNamespace: true, network }, async ({ slot, namespace }) => {
  lan = await Lan.open(slot, namespace);
});
after(() => lan.close());

const LOADED = 'changed by somebody else, and has been loaded again';
const WATCHED = 'not watched for a moment, and has been loaded again';
const lines = (text: string): number => server.daemon.log.split(text).length - 1;

const nft = (...words: string[]): Promise<string> => server.namespace.run('nft', words);

/** Both tables as text, without handles, and without what the kernel counts by itself. */
async function tables(): Promise<string> {
  const { table } = server.slot;
  const text = `${await nft('--stateless', 'list', 'table', 'inet', table)}${await nft('--stateless', 'list', 'table', 'arp', table)}`;
  return text.replace(/\t\telements = \{[^}]*(ct count|limit rate)[^}]*\}\n/g, '');
}

/** `damage` is undone: the tables are those of before, with one line in the log. */
async function isRepaired(what: string, damage: () => Promise<unknown>): Promise<void> {
  const [before, count] = [await tables(), lines(LOADED)];
  await damage();
  await server.daemon.logged(LOADED, { count: count + 1 });
  assert.equal(await tables(), before, what);
  assert.equal(lines(LOADED), count + 1, what);
}

async function dial(client: Client, handle: string, address: string, seconds: number): Promise<string> {
  const { stdout } = await client.run(handle, `timeout ${seconds} bash -c 'exec 3<>/dev/tcp/${address}/${ECHO_PORT} && echo hi >&3 && head -n 1 <&3' 2>/dev/null || echo closed`);
  return stdout.trim();
}

async function isGuarded(client: Client, handle: string): Promise<void> {
  assert.equal(await dial(client, handle, lan.router.address, 10), 'hi');
  assert.equal(await dial(client, handle, lan.internetAddress, 1), 'closed');
}

/** A job with a connection to the router. `say` writes a line to it and waits for the echo. */
async function talker(handle: string): Promise<{ say(text: string): Promise<void> }> {
  const client = await server.connect();
  output(await client.run(handle, 'mkfifo /tmp/in 2>/dev/null; true'));
  const job = await client.spawn(handle, `exec 3<>/dev/tcp/${lan.router.address}/${ECHO_PORT} 4<>/tmp/in; while read -r line <&4; do echo "$line" >&3; read -r answer <&3; echo "got $answer"; done`);
  return {
    say: async (text) => {
      const [writer, reader] = [await server.connect(), await server.connect()];
      await writer.run(handle, `echo ${text} > /tmp/in`);
      await streamUntil(reader.stream(handle, job), `got ${text}`);
      writer.close();
      reader.close();
    },
  };
}

test('creates, destroys and loads of our own are nobody else\'s changes', async () => {
  const before = lines(LOADED);
  const made = await Promise.all(Array.from({ length: 4 }, () => server.container()));
  for (const { client, handle } of made) await client.destroy(handle);
  // Somebody else's change is the last: had there been others, they would have been told before.
  await isRepaired('an element', () => nft('add', 'element', 'inet', server.slot.table, 'allowed', '{ 192.0.2.1 }'));
  assert.equal(lines(LOADED), before + 1);
});

test('nft flush ruleset is undone, and an established connection does not notice', async () => {
  const { client, handle } = await server.container();
  const talk = await talker(handle);
  await talk.say('before');
  await isRepaired('flush', () => nft('flush', 'ruleset'));
  await talk.say('after');
  await isGuarded(client, handle);
});

test('whatever is deleted, added or changed in the tables is put right', async () => {
  const { client, handle } = await server.container({ handle: 'damage' });
  const { table } = server.slot;
  await isRepaired('a table', () => nft('delete', 'table', 'arp', table));
  await isRepaired('the rules of a chain', () => nft('flush', 'chain', 'inet', table, 'pinned'));
  await isRepaired('a chain and its rules', () => nft(`flush chain inet ${table} postrouting; delete chain inet ${table} postrouting`));
  await isRepaired('an element', () => nft('delete', 'element', 'inet', table, 'interfaces', '{ "w-damage-0" }'));
  await isRepaired('all elements', () => nft('flush', 'set', 'inet', table, 'sources'));
  await isRepaired('a rule that opens everything', () => nft('insert', 'rule', 'inet', table, 'from_container', 'accept'));
  await isRepaired('a table that sleeps', () => nft(`table inet ${table} { flags dormant; }`));
  await isGuarded(client, handle);
});

test('a firewall that was flushed while the daemon was dead is there again with it', async () => {
  const { handle } = await server.container();
  const talk = await talker(handle);
  await talk.say('before');
  const before = await tables();
  await server.stop('SIGKILL');
  await nft('flush', 'ruleset');
  await server.start();
  assert.equal(await tables(), before);
  await talk.say('after');
  await isGuarded(await server.connect(), handle);
});

test('SIGTERM leaves the firewall to the containers that live on, and a new daemon takes it over', async () => {
  const { handle } = await server.container();
  const before = await tables();
  await server.stop('SIGTERM');
  assert.equal(await tables(), before);
  await server.start();
  assert.equal(await tables(), before);
  await isGuarded(await server.connect(), handle);
});

test('without a launcher nobody watches; another is started, and the firewall loaded again', async () => {
  const { client, handle } = await server.container();
  const [before, count] = [await tables(), lines(WATCHED)];
  process.kill(server.daemon.launcherPid, 'SIGKILL');
  await server.daemon.logged(WATCHED, { count: count + 1 });
  assert.equal(await tables(), before);
  await isRepaired('flush', () => nft('flush', 'ruleset'));
  await isGuarded(client, handle);
  await server.destroyAll();
  await server.restart();
});

test('creates during flushes are filtered, all of them', async () => {
  const made: Awaited<ReturnType<typeof server.container>>[] = [];
  for (let round = 0; round < 8; round++) {
    const [one, other] = await Promise.all([server.container(), server.container(), nft('flush', 'ruleset')]);
    made.push(one, other);
  }
  await Promise.all(made.splice(0, 6).map(({ client, handle }) => client.destroy(handle)).concat(nft('flush', 'ruleset').then(() => undefined)));
  const { table } = server.slot;
  // Behind the repairs of the flushes: the elements are compared when the last change is undone.
  const control = await server.connect();
  await untilClean(async () => ((await server.namespace.attempt('nft', ['list', 'table', 'inet', table])).status === 0 ? [] : ['no table']), () => ({ event: control.ping(), disarm: () => undefined }), 10_000);
  const count = lines(LOADED);
  await nft('add', 'chain', 'inet', table, 'last');
  await server.daemon.logged(LOADED, { count: count + 1 });
  await untilClean(async () => ((await tables()).includes('chain last') ? ['chain last'] : []), () => ({ event: control.ping(), disarm: () => undefined }), 10_000);
  const names = (await nft('list', 'set', 'inet', table, 'interfaces')).match(/"w-[^"]+"/g) ?? [];
  const links = (JSON.parse(await server.namespace.run('ip', ['-json', 'link', 'show', 'type', 'veth'])) as { ifname: string }[]).map(({ ifname }) => ifname);
  assert.deepEqual(names.map((name) => JSON.parse(name) as string).sort(), links.filter((name) => name.startsWith('w-')).sort());
  assert.equal(names.length, made.length);
});
