/* What a client notices of the pool being refilled: its runs, and another one's pings, while containers are made in advance and while none are. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WardenClient } from 'warden-client';
import { runTrue } from './lifecycle.js';
import { takeTurns, timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { summarize } from './statistics.js';
import { rowOf } from './table.js';

const TURNS = 6;
/** They take about as long as a refill: 20 ms before its first container is begun, and some ten for each. */
const RUNS = 50;
const PING_INTERVAL_MS = 2;

interface Seen { readonly run: number[]; readonly ping: number[] }

async function work(client: WardenClient, other: WardenClient, handle: string, ret: Seen): Promise<void> {
  let isOver = false;
  const pinging = (async (): Promise<void> => {
    while (!isOver) {
      ret.ping.push(await timed(() => other.ping()));
      await sleep(PING_INTERVAL_MS);
    }
  })();
  try {
    for (let index = 0; index < RUNS; index++) ret.run.push(await timed(() => runTrue(client, handle)));
  } finally {
    isOver = true;
    await pinging;
  }
}

/** @param size of the pool, which is full */
export async function besideRefill({ server }: Surroundings, client: WardenClient, handle: string, size: number): Promise<Result> {
  const other = await WardenClient.connect({ path: server.socket });
  const [beside, alone]: [Seen, Seen] = [{ run: [], ping: [] }, { run: [], ping: [] }];
  await takeTurns(
    TURNS,
    async () => {
      await server.untilPoolIsFull();
      await work(client, other, handle, alone);
    },
    async () => {
      await server.untilPoolIsFull();
      const handles: string[] = [];
      for (let index = 0; index < size; index++) handles.push((await client.create()).handle);
      await work(client, other, handle, beside);
      await server.untilPoolIsFull();
      for (const each of handles) await client.destroy({ handle: each });
    },
  );
  await other.close();
  const [run, ping, pingAlone] = [summarize(beside.run), summarize(beside.ping), summarize(alone.ping)];
  return {
    rows: [
      rowOf(`run \`true\` while a pool of ${size} is refilled`, 'µs', run, { reference: { name: 'without a refill', value: summarize(alone.run).median } }),
      rowOf('… ping of another client meanwhile', 'µs', ping, {
        reference: { name: 'without a refill', value: pingAlone.median },
        comparison: `p99 ${(ping.p99 / 1000).toFixed(1)} ms, without a refill ${(pingAlone.p99 / 1000).toFixed(1)}`,
      }),
    ],
    samples: { 'run beside a refill': beside.run, 'run without a refill': alone.run, 'ping beside a refill': beside.ping, 'ping without a refill': alone.ping },
  };
}
