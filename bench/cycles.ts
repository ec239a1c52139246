/* Lifecycles per second with one and four clients, and how long another client waits for a ping meanwhile. */
import { WardenClient } from 'warden-client';
import { runTrue } from './lifecycle.js';
import { takeTurns } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { pingMeanwhile, pingRow } from './ping-meanwhile.js';
import type { Ping } from './ping-meanwhile.js';
import { median } from './statistics.js';
import { atLeastPercent, rowOf } from './table.js';
import type { Row } from './table.js';

const CLIENTS = [1, 4] as const;
const TURNS = 4;
/** So many times `cyclesMs` in all for each side: longer than the five seconds between two of the times at which the kernel clears up removed disks (native/launcher/disk-btrfs.c). */
const LENGTHS_A_SIDE = 2;
const PING_P99_MS = 10;

async function work(socket: string, until: number): Promise<number> {
  const client = await WardenClient.connect({ path: socket });
  let done = 0;
  while (performance.now() < until) {
    const { handle } = await client.create();
    await runTrue(client, handle);
    await client.destroy({ handle });
    done++;
  }
  await client.close();
  return done;
}

/** Create, run and destroy, as fast as so many clients can. */
export async function cyclesPerSecond(socket: string, clients: number, milliseconds: number): Promise<number> {
  const begin = performance.now();
  const done = await Promise.all(Array.from({ length: clients }, () => work(socket, begin + milliseconds)));
  return done.reduce((sum, value) => sum + value, 0) / ((performance.now() - begin) / 1000);
}

export async function cycles({ server, floor, sizes }: Surroundings): Promise<Result> {
  const rows: Row[] = [];
  const samples: Record<string, number[]> = {};
  const milliseconds = LENGTHS_A_SIDE * sizes.cyclesMs / TURNS;
  for (const clients of CLIENTS) {
    const ours: number[] = [];
    const theirs: number[] = [];
    const pings: Ping[] = [];
    await takeTurns(
      TURNS,
      async () => { theirs.push(await floor.cyclesPerSecond(clients, milliseconds, 'bash')); },
      async () => { ours.push(await pingMeanwhile(server, () => cyclesPerSecond(server.socket, clients, milliseconds), pings)); },
    );
    const [figure, reference] = [median(ours), median(theirs)];
    const name = `create + run \`true\` + destroy, ${clients === 1 ? '1 client' : `${clients} clients`}`;
    const bounds = clients === 4 ? { budget: atLeastPercent(60, figure, reference), goal: atLeastPercent(80, figure, reference) } : {};
    rows.push(rowOf(name, '/s', figure, { reference: { name: `floor with bash, ${clients} processes`, value: reference }, ...bounds }));
    rows.push(pingRow(`… ping of another client beside ${clients === 1 ? 'it' : 'them'}`, pings, clients === 4 ? PING_P99_MS : undefined));
    samples[`cycles ${clients}`] = ours;
    samples[`floor cycles ${clients}`] = theirs;
    samples[`ping during cycles ${clients}`] = pings.map(({ took }) => took);
  }
  return { rows, samples };
}
