/* info, and requests that limit a container, one after the other. What is set changes every time, so that the kernel has something to do. */
import { Type, WardenError } from 'warden-protocol';
import { WardenClient } from 'warden-client';
import { timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { summarize } from './statistics.js';
import { atMost, rowOf } from './table.js';
import type { Row } from './table.js';

const MIB = 1024n * 1024n;
const BUDGET_MS = 1;
const GOAL_MS = 0.5;

export async function limits({ server, sizes }: Surroundings): Promise<Result> {
  const client = await WardenClient.connect({ path: server.socket });
  const rows: Row[] = [];
  const samples: Record<string, readonly number[]> = {};

  /** A row with the budget and the goal that info has, and every request that limits. */
  async function measure(name: string, count: number, call: (index: number) => Promise<unknown>): Promise<void> {
    const taken: number[] = [];
    for (let index = -Math.ceil(count / 10); index < count; index++) {
      const microseconds = await timed(() => call(index));
      if (index >= 0) taken.push(microseconds);
    }
    const summary = summarize(taken);
    rows.push(rowOf(name, 'µs', summary, { budget: atMost(BUDGET_MS, 'ms', summary.median / 1000), goal: atMost(GOAL_MS, 'ms', summary.median / 1000) }));
    samples[name] = taken;
  }

  const { handle } = await client.create();
  const { diskBackend } = await client.info({ handle });
  // Memory and cgroup files as a container has them that has been used.
  await client.run({ handle, script: 'true' });
  const vary = (index: number): bigint => BigInt(index & 63);
  await measure('info', sizes.requests, () => client.info({ handle }));
  await measure('limit_memory', sizes.requests, (index) => client.limitMemory({ handle, limitInBytes: 512n * MIB + vary(index) * MIB }));
  await measure('limit_memory, only reading', sizes.requests, () => client.limitMemory({ handle }));
  await measure('limit_cpu', sizes.requests, (index) => client.limitCpu({ handle, limitInShares: 512n + vary(index) }));
  const disk = `limit_disk, backend ${diskBackend ?? 'none'}`;
  try {
    await client.limitDisk({ handle, byteLimit: 256n * MIB });
    await measure(disk, sizes.requests, (index) => client.limitDisk({ handle, byteLimit: 256n * MIB + vary(index) * MIB }));
  } catch (error) {
    if (!(error instanceof WardenError) || error.code !== 'unsupported') throw error;
    process.stderr.write(`${disk}: ${error.message}\n`);
  }
  await measure('limit_bandwidth, changing one', sizes.requests, (index) => client.limitBandwidth({ handle, rate: 1_000_000n + vary(index), burst: 100_000n }));
  await measure('info, all limits set', sizes.requests, () => client.info({ handle }));
  await client.destroy({ handle });
  await measureFirst(client, sizes.turns * 2, measure);
  await client.close();
  return { rows, samples };
}

/** The first limit of a container makes an interface. */
async function measureFirst(client: WardenClient, count: number, measure: (name: string, count: number, call: (index: number) => Promise<unknown>) => Promise<void>): Promise<void> {
  const handles: string[] = [];
  for (let index = 0; index < count + Math.ceil(count / 10); index++) handles.push((await client.create()).handle);
  const left = handles.values();
  await measure('limit_bandwidth, the first of a container', count, () => client.request(Type.LimitBandwidth, { handle: left.next().value ?? '', rate: 1_000_000n, burst: 100_000n }));
  for (const handle of handles) await client.destroy({ handle });
}
