/* list, one after the other. */
import { WardenClient } from 'warden-client';
import { timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { summarize } from './statistics.js';
import { rowOf } from './table.js';

async function repeat(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) samples.push(await timed(call));
  return samples;
}

export async function requests({ server, sizes }: Surroundings): Promise<Result> {
  const client = await WardenClient.connect({ path: server.socket });
  const { handle } = await client.create();
  await repeat(sizes.requests / 10, () => client.list());
  const list = await repeat(sizes.requests, () => client.list());
  await client.destroy({ handle });
  await client.close();
  return { rows: [rowOf('list', 'µs', summarize(list))], samples: { list } };
}
