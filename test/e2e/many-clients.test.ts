/* Two hundred clients at once, and clients that ask for more than others: every answer is there and its own, and everybody gets a share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { shortOrLong } from '../harness/soak.js';
import { encode, frame, operations } from '../harness/wire.js';

const CLIENTS = 200;
const MIB = 1024 * 1024;
const server = useServer({ server: { job_output_limit: 4096 * MIB } });

function crowd(): Promise<Client[]> {
  return Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));
}

test(`${CLIENTS} clients at once, each with a container of its own: every answer is the one to its question`, async () => {
  const clients = await crowd();
  for (let round = 0; round < shortOrLong(1, 20); round++) {
    const addresses = await Promise.all(clients.map(async (client, number) => {
      const handle = `crowd-${round}-${number}`;
      server.handles.add(handle);
      const created = await client.create({ handle, labels: [{ key: 'number', value: String(number) }] });
      // Sent at once: what one connection asks for is answered in order, whatever the others do.
      const [word, ran, info, jobId] = await Promise.all([
        client.echo(`word ${number}`), client.run(handle, `hostname; echo ${number} >&2; exit ${number % 200}`), client.info(handle), client.spawn(handle, `echo job ${number}`),
      ]);
      const linked = await client.link(handle, jobId);
      assert.deepEqual(
        [created, word, ran.stdout, ran.stderr, ran.status, info.state, info.labels, output(linked)],
        [handle, `word ${number}`, `${handle}\n`, `${number}\n`, number % 200, 'active', [{ key: 'number', value: String(number) }], `job ${number}\n`],
      );
      await client.destroy(handle);
      return info.container_ip;
    }));
    assert.equal(addresses.length, CLIENTS);
  }
  assert.deepEqual(await clients[0]?.list(), []);
});

test(`${CLIENTS} clients that run jobs in eight containers: none is left behind`, async () => {
  const handles = await Promise.all(Array.from({ length: 8 }, async (_, number) => (await server.container({ handle: `crowded-${number}` })).handle));
  const clients = await crowd();
  const [rounds, all] = [new Array<number>(CLIENTS).fill(0), shortOrLong(6, 60) * CLIENTS];
  let done = 0;
  await Promise.all(clients.map(async (client, number) => {
    while (done < all) {
      const word = `${number} ${rounds[number]}`;
      assert.equal(output(await client.run(handles[number % handles.length] ?? '', `echo ${word}`)), `${word}\n`);
      rounds[number] = (rounds[number] ?? 0) + 1;
      done++;
    }
  }));
  const least = Math.min(...rounds);
  assert.ok(least >= all / CLIENTS / 2, `one client had ${least} jobs done when all had ${done}: ${rounds.join(' ')}`);
});

test('a client that sends thousands of requests at once is not served until the last of them before others are', async () => {
  const { client: greedy, handle } = await server.container();
  const modest = await server.connect();
  const count = 5000;
  const { type, request } = operations.limit_memory;
  const requests = Buffer.concat(Array.from({ length: count }, () => frame(type, encode(request, { handle }))));
  const between: number[] = [];
  for (let round = 0; round < 5; round++) {
    const from = server.daemon.log.length;
    const replies = Array.from({ length: count }, () => greedy.reply());
    greedy.write(requests);
    await modest.ping();
    for (const { type: answered } of await Promise.all(replies)) assert.equal(answered, type);
    // The log tells in which order they were answered; how soon this process has sent the ping is the machine's business, so the best round counts.
    const lines = server.daemon.log.slice(from).split('\n').filter((line) => /"request":"(?:limit_memory|ping)"/.test(line));
    between.push(lines.findIndex((line) => line.includes('"ping"')));
  }
  assert.ok(Math.min(...between) >= 0 && Math.min(...between) < 1000, `a ping was answered behind ${between.join(', ')} of ${count} requests`);
});

test('a client that streams as fast as it can leaves others their share', async () => {
  const [{ client: streaming, handle }, other, runner] = [await server.container(), await server.connect(), await server.container()];
  const bytes = shortOrLong(256, 2048) * MIB;
  const jobId = await streaming.spawn(handle, `head -c ${bytes} /dev/zero`);
  let [received, ended] = [0, false];
  const stream = (async () => {
    for await (const { data } of streaming.stream(handle, jobId)) received += data.length;
    ended = true;
  })();
  let [pings, runs] = [0, 0];
  await Promise.all([
    stream,
    (async () => { for (; !ended; pings++) await other.ping(); })(),
    (async () => { for (; !ended; runs++) assert.equal(output(await runner.client.run(runner.handle, 'echo x')), 'x\n'); })(),
  ]);
  assert.equal(received, bytes);
  assert.ok(pings >= bytes / (4 * MIB), `${pings} pings beside ${bytes / MIB} MiB`);
  assert.ok(runs >= bytes / (32 * MIB), `${runs} jobs beside ${bytes / MIB} MiB`);
});

test('clients that stream at the same time get about the same', async () => {
  const bytes = shortOrLong(64, 512) * MIB;
  const streams = await Promise.all(Array.from({ length: 4 }, async () => {
    const { client, handle } = await server.container();
    return { client, handle, jobId: await client.spawn(handle, `head -c ${bytes} /dev/zero; touch written`) };
  }));
  // All of it is there before the first reads.
  for (const { client, handle } of streams) await client.run(handle, 'until [ -e written ]; do :; done');
  const received = streams.map(() => 0);
  let whenFirst: number[] | undefined;
  await Promise.all(streams.map(async ({ client, handle, jobId }, index) => {
    for await (const { data } of client.stream(handle, jobId)) received[index] = (received[index] ?? 0) + data.length;
    whenFirst ??= [...received];
  }));
  assert.deepEqual(received, streams.map(() => bytes));
  assert.ok(Math.min(...whenFirst ?? []) >= bytes / 4, `bytes of each when one had them all: ${(whenFirst ?? []).join(', ')}`);
});
