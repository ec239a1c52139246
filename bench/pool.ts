/* Creates that are served by containers made in advance, and the first job in each. */
import { WardenClient } from 'warden-client';
import { measureLifecycles, runRow, runTrue } from './lifecycle.js';
import { takeTurns, timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { besideRefill } from './refill.js';
import { median, summarize } from './statistics.js';
import { atMost, rowOf } from './table.js';

const POOL_SIZE = 8;
/** Creates without a pause for each container that waits at their beginning. */
const TIMES_BEYOND = 3;

export async function pool(surroundings: Surroundings): Promise<Result> {
  const { sizes, server, floor } = surroundings;
  // To be asked how many wait.
  await server.end('SIGTERM');
  await server.watch();
  await server.start();
  const client = await WardenClient.connect({ path: server.socket });
  const [claimed, behindDestroys] = [{ create: [] as number[], run: [] as number[] }, { create: [] as number[], run: [] as number[], destroy: [] as number[] }];
  const [beyond, repeated, refills, bash, floorCreate]: [number[], number[], number[], number[], number[]] = [[], [], [], [], []];
  await measureLifecycles(client, { create: [], run: [], destroy: [] }, sizes.warmUpLifecycles, 0);
  const { handle } = await client.create();
  for (let index = 0; index < sizes.warmUpRuns; index++) await runTrue(client, handle);
  await server.pool(POOL_SIZE);
  const wardenTurn = async (): Promise<void> => {
    await server.untilPoolIsFull();
    // What the kernel still does for containers that have just been destroyed is not in these.
    const handles: string[] = [];
    for (let index = 0; index < POOL_SIZE; index++) {
      claimed.create.push(await timed(async () => void handles.push((await client.create()).handle)));
      claimed.run.push(await timed(() => runTrue(client, handles[index] ?? '')));
    }
    for (const each of handles) repeated.push(await timed(() => runTrue(client, each)));
    for (const each of handles.splice(0)) await client.destroy({ handle: each });
    refills.push(await server.untilPoolIsFull());
    await measureLifecycles(client, behindDestroys, POOL_SIZE, 0);
    await server.untilPoolIsFull();
    for (let index = 0; index < POOL_SIZE * TIMES_BEYOND; index++) beyond.push(await timed(async () => void handles.push((await client.create()).handle)));
    for (const each of handles) await client.destroy({ handle: each });
  };
  const floorTurn = async (): Promise<void> => {
    floorCreate.push(...(await floor.lifecycles(POOL_SIZE, 'true')).create);
    bash.push(...await floor.bash(sizes.runsPerTurn, 'memfd'));
  };
  await takeTurns(sizes.turns, floorTurn, wardenTurn);
  const refilled = await besideRefill(surroundings, client, handle, POOL_SIZE);
  await client.destroy({ handle });
  await client.close();
  await server.pool(0);
  const [create, all] = [summarize(claimed.create), summarize(beyond)];
  return {
    rows: [
      rowOf('create from the pool', 'µs', create, { reference: { name: 'floor', value: median(floorCreate) }, budget: atMost(1000, 'µs', create.median) }),
      runRow('run `true`, the first in a container of the pool', claimed.run, median(bash), 500),
      runRow('run `true`, the second in each of them', repeated, median(bash)),
      rowOf('create from the pool, right behind a destroy', 'µs', summarize(behindDestroys.create), { reference: { name: 'floor', value: median(floorCreate) } }),
      rowOf('run `true`, the first in a container of the pool, with destroys in between', 'µs', summarize(behindDestroys.run)),
      rowOf(`create, ${POOL_SIZE * TIMES_BEYOND} without a pause from a pool of ${POOL_SIZE}`, 'µs', all, { reference: { name: 'floor', value: median(floorCreate) } }),
      rowOf(`until a pool of ${POOL_SIZE} is full again`, 'ms', summarize(refills)),
      ...refilled.rows,
    ],
    samples: { 'pool create': claimed.create, 'pool first run': claimed.run, 'pool second run': repeated, 'pool create behind destroys': behindDestroys.create, 'pool first run behind destroys': behindDestroys.run, 'pool create beyond': beyond, 'pool refill': refills, ...refilled.samples },
  };
}
