/* list, one after the other. */
import { WardenClient } from 'warden-client';
import { timedAll } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { summarize } from './statistics.js';
import { rowOf } from './table.js';

export async function requests({ server, sizes }: Surroundings): Promise<Result> {
  const client = await WardenClient.connect({ path: server.socket });
  const { handle } = await client.create();
  await timedAll(sizes.requests / 10, () => client.list());
  const list = await timedAll(sizes.requests, () => client.list());
  await client.destroy({ handle });
  await client.close();
  return { rows: [rowOf('list', 'µs', summarize(list))], samples: { list } };
}
