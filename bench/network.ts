/*
 * Requests that open a container's network, one after the other: when it is the only container, among many, and among as many of which each has
 * rules and a port of its own.
 */
import { WardenError } from 'warden-protocol';
import { WardenClient } from 'warden-client';
import { timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { summarize } from './statistics.js';
import { atMost, rowOf } from './table.js';
import type { Row } from './table.js';

const BUDGET_MS = 1;
const GOAL_MS = 0.5;
/** Rules that one container has at most while it is measured, containers, and ports of one. */
const RULES = 20;
const TURNS = 15;
/** Before anything is measured V8 compiles what is called often, as for lifecycles. */
const WARM_UP_TURNS = 10;
const PORTS = 200;
const WARM_UP_PORTS = 40;
const ALONE = 'alone';

export async function network({ server, sizes: { amongContainers }, live }: Surroundings): Promise<Result> {
  const rows: Row[] = [];
  const samples: Record<string, readonly number[]> = {};
  const client = await WardenClient.connect({ path: server.socket });

  const report = (name: string, taken: readonly number[]): void => {
    const summary = summarize(taken);
    const figure = summary.median / 1000;
    rows.push(rowOf(name, 'µs', summary, { budget: atMost(BUDGET_MS, 'ms', figure), goal: atMost(GOAL_MS, 'ms', figure) }));
    samples[name] = taken;
  };

  async function measureAll(where: string): Promise<void> {
    const first: number[] = [];
    const more: number[] = [];
    const removed: number[] = [];
    const names: number[] = [];
    const removedNames: number[] = [];
    const warmUp = where === ALONE ? WARM_UP_TURNS : 1;
    // What a destroy leaves to do is not to fall on what is measured.
    const handles: string[] = [];
    while (handles.length < warmUp + TURNS) handles.push((await client.create()).handle);
    for (const [turn, handle] of handles.entries()) {
      const rules = Array.from({ length: RULES }, (_, index) => ({ handle, network: '198.18.0.0/16', port: 1 + index }));
      for (const [index, rule] of rules.entries()) (index === 0 ? first : more).push(await timed(() => client.netOut(rule)));
      for (const rule of rules) removed.push(await timed(() => client.netOut({ ...rule, remove: true })));
      const domains = Array.from({ length: RULES }, (_, index) => ({ handle, domain: `host-${index}.example.com`, port: 443 }));
      for (const rule of domains) names.push(await timed(() => client.netOut(rule)));
      for (const rule of domains) removedNames.push(await timed(() => client.netOut({ ...rule, remove: true })));
      // The first turns warm up, and start the resolver.
      if (turn < warmUp) for (const list of [first, more, removed, names, removedNames]) list.length = 0;
    }
    for (const handle of handles) await client.destroy({ handle });
    report(`net_out, the first rule of a container, ${where}`, first);
    report(`net_out, one of ${RULES}, ${where}`, more);
    report(`net_out, removing one of ${RULES}, ${where}`, removed);
    report(`net_out of a name, one of ${RULES}, ${where}`, names);
    report(`net_out of a name, removing one of ${RULES}, ${where}`, removedNames);
    await measurePorts(where);
  }

  async function measurePorts(where: string): Promise<void> {
    const { handle } = await client.create();
    const taken: number[] = [];
    try {
      for (let index = -WARM_UP_PORTS; index < PORTS; index++) {
        const microseconds = await timed(() => client.netIn({ handle }));
        if (index >= 0) taken.push(microseconds);
      }
      report(`net_in, ${where}`, taken);
    } catch (error) {
      if (!(error instanceof WardenError) || error.code !== 'unsupported') throw error;
      process.stderr.write(`net_in: ${error.message}\n`);
    }
    await client.destroy({ handle });
  }

  await measureAll(ALONE);
  if (live > 0) {
    const handles: string[] = [];
    while (handles.length < amongContainers) handles.push((await client.create()).handle);
    await measureAll(`among ${amongContainers} containers`);
    for (const handle of handles) await openSome(client, handle);
    await measureAll(`among ${amongContainers} with rules`);
    await server.destroyAll();
  }
  await client.close();
  return { rows, samples };
}

async function openSome(client: WardenClient, handle: string): Promise<void> {
  for (const port of [53, 443]) await client.netOut({ handle, port });
  await client.netIn({ handle }).catch((error: unknown) => {
    if (!(error instanceof WardenError) || error.code !== 'unsupported') throw error;
  });
}
