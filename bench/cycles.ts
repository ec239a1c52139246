/* Lifecycles per second with one and four clients, and how long another client waits for a ping meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WardenClient } from 'warden-client';
import { runTrue } from './lifecycle.js';
import { takeTurns } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { compiled } from './paths.js';
import { median, summarize } from './statistics.js';
import { atLeastPercent, rowOf } from './table.js';
import type { Row } from './table.js';

const CLIENTS = [1, 4] as const;
const TURNS = 2;

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

async function cyclesPerSecond(socket: string, clients: number, milliseconds: number): Promise<number> {
  const begin = performance.now();
  const done = await Promise.all(Array.from({ length: clients }, () => work(socket, begin + milliseconds)));
  return done.reduce((sum, value) => sum + value, 0) / ((performance.now() - begin) / 1000);
}

/** Round trips of a client in a process of its own, one every 2 ms, in microseconds. */
async function pingMeanwhile<T>(socket: string, work: () => Promise<T>, ret: number[]): Promise<T> {
  const probe = spawn(process.execPath, [`${compiled}/ping-probe.js`, socket], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  probe.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  const ended = once(probe, 'close');
  try {
    return await work();
  } finally {
    probe.stdin.end();
    await ended;
    if (text !== '') ret.push(...JSON.parse(text) as number[]);
  }
}

export async function cycles({ server, floor, sizes }: Surroundings): Promise<Result> {
  const rows: Row[] = [];
  const samples: Record<string, number[]> = {};
  for (const clients of CLIENTS) {
    const ours: number[] = [];
    const theirs: number[] = [];
    const pings: number[] = [];
    await takeTurns(
      TURNS,
      async () => { theirs.push(await floor.cyclesPerSecond(clients, sizes.cyclesMs / TURNS, 'bash')); },
      async () => { ours.push(await pingMeanwhile(server.socket, () => cyclesPerSecond(server.socket, clients, sizes.cyclesMs / TURNS), pings)); },
    );
    const [figure, reference] = [median(ours), median(theirs)];
    const name = `create + run \`true\` + destroy, ${clients === 1 ? '1 client' : `${clients} clients`}`;
    const bounds = clients === 4 ? { budget: atLeastPercent(60, figure, reference), goal: atLeastPercent(80, figure, reference) } : {};
    rows.push(rowOf(name, '/s', figure, { reference: { name: `floor with bash, ${clients} processes`, value: reference }, ...bounds }));
    if (pings.length > 0) {
      const { median: middle, p99, maximum } = summarize(pings);
      rows.push({ name: `… ping of another client meanwhile (slowest ${(maximum / 1000).toFixed(1)} ms)`, unit: 'µs', warden: middle, p99 });
    }
    samples[`cycles ${clients}`] = ours;
    samples[`floor cycles ${clients}`] = theirs;
    samples[`ping during cycles ${clients}`] = pings;
  }
  return { rows, samples };
}
