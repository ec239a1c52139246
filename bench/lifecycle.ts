/* create, run `true`, destroy: one client, one request after the other, next to the floor program in turns. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WardenClient } from 'warden-client';
import type { Lifecycles } from './floor.js';
import { takeTurns, timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { median, summarize } from './statistics.js';
import { atMostTimes, rowOf } from './table.js';
import type { Row } from './table.js';

export const SPACING_MS = 20;

export interface Samples { readonly create: number[]; readonly run: number[]; readonly destroy: number[] }

const emptySamples = (): Samples => ({ create: [], run: [], destroy: [] });

export async function runTrue(client: WardenClient, handle: string): Promise<void> {
  const { exitStatus } = await client.run({ handle, script: 'true' });
  if (exitStatus !== 0) throw new Error(`the job true ended with status ${exitStatus}`);
}

/** The same in two requests, as a client does that wants to come back for the result. */
async function spawnAndLinkTrue(client: WardenClient, handle: string): Promise<void> {
  const { jobId } = await client.spawn({ handle, script: 'true' });
  const { exitStatus } = await client.link({ handle, jobId });
  if (exitStatus !== 0) throw new Error(`the job true ended with status ${exitStatus}`);
}

export async function measureLifecycles(client: WardenClient, samples: Samples, count: number, spacingMs: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    if (spacingMs > 0) await sleep(spacingMs);
    let handle = '';
    samples.create.push(await timed(async () => { ({ handle } = await client.create()); }));
    samples.run.push(await timed(() => runTrue(client, handle)));
    samples.destroy.push(await timed(() => client.destroy({ handle })));
  }
}

function append(to: Samples & { removal?: number[] }, from: Lifecycles): void {
  to.create.push(...from.create);
  to.run.push(...from.run);
  to.destroy.push(...from.destroy);
  to.removal?.push(...from.removal);
}

interface Collected {
  readonly warden: Samples; readonly wardenSpaced: Samples; readonly repeatedRun: number[]; readonly spawnAndLink: number[];
  readonly floor: Samples & { removal: number[] }; readonly floorSpaced: Samples; readonly floorExtended: Samples;
  readonly bash: number[]; readonly bashInside: number[];
  readonly steps: Map<string, number[]>;
}

async function collect({ sizes, floor }: Surroundings, client: WardenClient): Promise<Collected> {
  const collected: Collected = {
    warden: emptySamples(), wardenSpaced: emptySamples(), repeatedRun: [], spawnAndLink: [], floor: { ...emptySamples(), removal: [] }, floorSpaced: emptySamples(),
    floorExtended: emptySamples(), bash: [], bashInside: [], steps: new Map(),
  };
  const { handle } = await client.create();
  const floorTurn = async (): Promise<void> => {
    const lifecycles = await floor.lifecycles(sizes.lifecyclesPerTurn, 'true');
    append(collected.floor, lifecycles);
    for (const [step, values] of Object.entries(lifecycles.steps)) collected.steps.set(step, [...collected.steps.get(step) ?? [], ...values]);
    append(collected.floorSpaced, await floor.lifecycles(sizes.spacedPerTurn, 'true', SPACING_MS));
    collected.bash.push(...await floor.bash(sizes.runsPerTurn, 'memfd'));
    collected.bashInside.push(...await floor.runs(sizes.runsPerTurn, 'timed'));
    await floor.variant('extended');
    append(collected.floorExtended, await floor.lifecycles(sizes.spacedPerTurn, 'true'));
    await floor.variant('plain');
  };
  const wardenTurn = async (): Promise<void> => {
    await measureLifecycles(client, collected.warden, sizes.lifecyclesPerTurn, 0);
    await measureLifecycles(client, collected.wardenSpaced, sizes.spacedPerTurn, SPACING_MS);
    for (let index = 0; index < sizes.runsPerTurn; index++) {
      collected.repeatedRun.push(await timed(() => runTrue(client, handle)));
      collected.spawnAndLink.push(await timed(() => spawnAndLinkTrue(client, handle)));
    }
  };
  // What is made once, and read into memory once, is not what is measured; and a daemon compiles its code for a thousand requests, once in its life.
  await floor.lifecycles(3, 'bash');
  await measureLifecycles(client, emptySamples(), sizes.warmUpLifecycles, 0);
  for (let index = 0; index < sizes.warmUpRuns; index++) {
    await runTrue(client, handle);
    await spawnAndLinkTrue(client, handle);
  }
  await takeTurns(sizes.turns, floorTurn, wardenTurn);
  await client.destroy({ handle });
  return collected;
}

export function runRow(name: string, run: readonly number[], bash: number, goalUs?: number): Row {
  const summary = summarize(run);
  const difference = summary.median - bash;
  return rowOf(name, 'µs', summary, {
    reference: { name: "bash's own exec and exit", value: bash },
    comparison: `${difference >= 0 ? '+' : ''}${difference.toFixed(0)} µs`,
    budget: { text: '≤ bash + 1 ms', met: difference <= 1000 },
    ...(goalUs === undefined ? {} : { goal: { text: `≤ bash + ${goalUs / 1000} ms`, met: difference <= goalUs } }),
  });
}

export async function lifecycle(surroundings: Surroundings): Promise<Result> {
  const client = await WardenClient.connect({ path: surroundings.server.socket });
  const { warden, wardenSpaced, repeatedRun, spawnAndLink, floor, floorSpaced, floorExtended, bash, bashInside, steps } = await collect(surroundings, client);
  await client.close();
  const compared = (name: string, ours: readonly number[], theirs: readonly number[], budget: number, goal: number): Row => {
    const [figure, reference] = [summarize(ours), median(theirs)];
    return rowOf(name, 'µs', figure, {
      reference: { name: 'floor', value: reference },
      budget: atMostTimes(budget, figure.median, reference), goal: atMostTimes(goal, figure.median, reference),
    });
  };
  const plain = (name: string, ours: readonly number[], theirs: readonly number[], what: string): Row =>
    rowOf(name, 'µs', summarize(ours), { reference: { name: what, value: median(theirs) } });
  return {
    rows: [
      compared('create, networked', warden.create, floor.create, 2, 1.5),
      compared(`create, ${SPACING_MS} ms after the last destroy`, wardenSpaced.create, floorSpaced.create, 2, 1.5),
      plain('create, next to the extended floor', warden.create, floorExtended.create, 'floor with seccomp filter and upper files'),
      runRow('run `true`', repeatedRun, median(bash), 500),
      runRow('spawn and link of `true`', spawnAndLink, median(bash)),
      plain('run `true`, next to bash in a container', repeatedRun, bashInside, 'bash in the floor’s container'),
      plain('run `true`, the first in its container', warden.run, floor.run, 'floor, static program'),
      compared('destroy', warden.destroy, floor.destroy, 3, 2),
      compared(`destroy, spaced`, wardenSpaced.destroy, floorSpaced.destroy, 3, 2),
      plain('destroy, next to a floor that removes the files', warden.destroy, floor.destroy.map((value, index) => value + (floor.removal[index] ?? 0)), 'floor'),
      ...(['create', 'run', 'destroy'] as const).map((name) => rowOf(`floor alone: ${name}`, 'µs', summarize(floor[name]))),
      ...[...steps].map(([name, values]) => rowOf(`floor alone: create, ${name}`, 'µs', summarize(values))),
    ],
    samples: {
      'create': warden.create, 'create spaced': wardenSpaced.create, 'run first': warden.run, 'run': repeatedRun, 'spawn and link': spawnAndLink, 'destroy': warden.destroy,
      'destroy spaced': wardenSpaced.destroy, 'floor create': floor.create, 'floor create spaced': floorSpaced.create, 'floor run': floor.run,
      'floor destroy': floor.destroy, 'floor removal': floor.removal, 'floor extended create': floorExtended.create, 'bash': bash, 'bash inside': bashInside,
    },
  };
}

/** Of a create among others, for the section with many live containers. */
export function createAmongRow(name: string, ours: readonly number[], theirs: readonly number[]): Row {
  const [figure, reference] = [summarize(ours), median(theirs)];
  return rowOf(name, 'µs', figure, {
    reference: { name: 'floor among as many', value: reference }, budget: atMostTimes(2, figure.median, reference), goal: atMostTimes(1.5, figure.median, reference),
  });
}

