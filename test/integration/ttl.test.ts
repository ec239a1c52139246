/* A container's time to live: it ends however much the container is used, and whatever happens to the daemon meanwhile. */
import assert from 'node:assert/strict';
import { readdirSync, watch } from 'node:fs';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { randomNumbers, runSeed } from '../harness/random.js';
import { shortOrLong } from '../harness/soak.js';
import { nextEvent, untilClean, withDeadline } from '../harness/wait.js';

const server = useServer();
const over = 'ttl is over';

/** What happens to a container from now on, in words, to its end. Settles when it is listened to. */
async function untilDestroyed(client: Client, handle: string): Promise<{ told: Promise<string[]> }> {
  const events = client.events(handle);
  assert.equal((await events.next()).value?.['kind'], 'listening');
  const told = (async () => {
    const kinds: string[] = [];
    for await (const { kind, event } of events) {
      kinds.push(String(event ?? kind));
      if (kind === 'destroyed') return kinds;
    }
    return kinds;
  })();
  return { told };
}

async function depotEmpty(milliseconds = 20_000): Promise<void> {
  const directory = `${server.paths.depot}/containers`;
  const watcher = watch(directory);
  try {
    assert.deepEqual(await untilClean(() => readdirSync(directory), () => nextEvent(watcher, 'change'), milliseconds), [], 'the container was not destroyed');
  } finally {
    watcher.close();
  }
}

test('it is destroyed with everything, while clients use it, and they are told', async () => {
  const before = Date.now();
  const { client, handle } = await server.container({ ttl: 4, grace_time: 3600 });
  const { told } = await untilDestroyed(await server.connect(), handle);
  const result = await client.run(handle, 'trap "" TERM; echo begun; while :; do sleep 0.1 || :; done', { timeout_ms: 60_000 });
  assert.notEqual(result.status, 0);
  assert.equal(result.stdout, 'begun\n');
  assert.ok(Date.now() - before > 3900, 'it was given its time');
  assert.deepEqual((await withDeadline(told, 20_000, 'the end')).filter((kind) => !kind.startsWith('job_')), [over, 'stopped', 'destroyed']);
  await refused(client.info(handle), 'not_found', /^unknown handle$/);
});

test('0 seconds are refused, and the largest number is not over at once', async () => {
  const { client, handle } = await server.container({ ttl: 0xffff_ffff });
  await refused(client.create({ ttl: 0 }), 'invalid_argument', /^ttl: /);
  const { ttl_left_ms: left = 0n } = await client.info(handle);
  assert.ok(left > 4_294_967_000_000n && left <= 4_294_967_295_000n, `${left}`);
  await client.run(handle, 'true');
});

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`the time goes on over ${signal}, whether a server runs or not`, async () => {
    const { client, handle } = await server.container({ ttl: 3600 });
    const { ttl_left_ms: before = 0n } = await client.info(handle);
    await server.restart({}, signal);
    const { ttl_left_ms: after = 0n } = await (await server.connect()).info(handle);
    assert.ok(after < before && after > before - 60_000n, `${before} and then ${after}`);

    await server.container({ ttl: 1 });
    await server.container({ ttl: 1, handle: 'stopped' });
    // Over while no server runs, or just after: either way it ends.
    await server.restart({}, signal);
    await (await server.connect()).destroy(handle);
    await depotEmpty();
  });
}

/** Whatever was done when it was killed, the next server ends what is to end, and nothing else. */
test('a daemon that is killed at any moment of such an end leaves it to the next', async () => {
  const seed = runSeed();
  const choose = randomNumbers(seed);
  for (let round = 0; round < shortOrLong(4, 100); round++) {
    const { client: other, handle: kept } = await server.container({ labels: [{ key: 'kept', value: '' }] });
    // Listened to before there is anything to miss.
    const events = other.events();
    assert.equal((await events.next()).value?.['kind'], 'listening');
    const { client, handle } = await server.container({ ttl: 2 });
    await client.spawn(handle, 'sleep 1000');
    for await (const { handle: of, event } of events) if (of === handle && event === over) break;
    const turns = choose(200);
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    await server.stop('SIGKILL');
    await server.revive();
    const again = await server.connect();
    await again.info(kept);
    await again.destroy(kept);
    await depotEmpty();
    assert.deepEqual(await again.list(), [], `seed ${seed}, round ${round}, after ${turns} turns`);
  }
});
