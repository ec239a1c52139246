/*
 * A thousand containers: what making, using, finding and destroying them costs among few and among many, and what they keep. Every row that has a
 * cost at two sizes says how it grows from one to the other; what all of them together cost must not grow faster than their number.
 */
import { WardenClient } from 'warden-client';
import { describeGrowth, notFasterThanLinear } from './growth.js';
import type { Point } from './growth.js';
import { beforeContainers, keptRows, whatIsKept } from './kept.js';
import { measureLifecycles } from './lifecycle.js';
import { timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { measureRequestsAmong, requestNames } from './scale-requests.js';
import type { RequestsAmong } from './scale-requests.js';
import type { Server } from './server.js';
import { median, summarize } from './statistics.js';
import { rowOf } from './table.js';
import type { Row } from './table.js';

/** The smaller size, as a part of the larger. */
const FEW = 4;
/** Of the daemon after a start: V8 compiles what is called often. */
const WARM_UP = 40;

export async function scale({ server, live: count }: Surroundings): Promise<Result> {
  const few = Math.floor(count / FEW);
  await server.watch();
  await server.end('SIGTERM');
  await server.start();
  await server.end('SIGTERM');
  const emptyStart = await server.start();
  await warmUp(server);
  const before = await beforeContainers(server);

  const first = await createMany(server, few);
  const amongFew = await measureRequestsAmong(server);
  const keptByFew = await whatIsKept(server, few, before);
  const others = await createMany(server, count - few);
  const amongMany = await measureRequestsAmong(server);
  const keptByMany = await whatIsKept(server, count, before);
  const creates = [...first.times, ...others.times];

  await server.end('SIGKILL');
  const recoveryMany = Math.max(1, await server.start() - emptyStart);
  await warmUp(server);
  await server.eventLoopDelay();
  const destroys = await destroyMany(server, count - few);
  const loopOfDestroys = await server.eventLoopDelay();
  await server.end('SIGKILL');
  const recoveryFew = Math.max(1, await server.start() - emptyStart);
  await warmUp(server);
  destroys.push(...await destroyMany(server, few));

  return {
    rows: [
      ...partsOf('create', creates, few),
      ...requestNames.map((name) => requestRow(name, amongFew, amongMany)),
      // From the last one back, there were as many containers as when they were made.
      ...partsOf('destroy', [...destroys].reverse(), few),
      recoveryRow({ count: few, cost: recoveryFew }, { count, cost: recoveryMany }),
      ...keptRows(before, keptByFew, keptByMany),
      rowOf('event loop late, by wardend’s own account: slowest while containers are made', 'ms', Math.max(first.eventLoop, others.eventLoop)),
      ...requestNames.map((name) => rowOf(`… while ${name} is asked for among ${count}`, 'ms', amongMany.eventLoop[name])),
      rowOf('… while they are destroyed', 'ms', loopOfDestroys),
    ],
    samples: { 'scale create': creates, 'scale destroy': destroys },
  };
}

async function warmUp({ socket }: Server): Promise<void> {
  const client = await WardenClient.connect({ path: socket });
  await measureLifecycles(client, { create: [], run: [], destroy: [] }, WARM_UP, 0);
  await client.close();
}

async function createMany(server: Server, count: number): Promise<{ times: number[]; eventLoop: number }> {
  const client = await WardenClient.connect({ path: server.socket });
  await server.eventLoopDelay();
  const times: number[] = [];
  for (let index = 0; index < count; index++) times.push(await timed(() => client.create()));
  await client.close();
  return { times, eventLoop: await server.eventLoopDelay() };
}

async function destroyMany({ socket }: Server, count: number): Promise<number[]> {
  const client = await WardenClient.connect({ path: socket });
  const times: number[] = [];
  for (const handle of (await client.list()).handles.slice(0, count)) times.push(await timed(() => client.destroy({ handle })));
  await client.close();
  return times;
}

/** Times of one after the other, as there were more and more: rates of the first and last tenth, and how the sum grows. */
function partsOf(what: 'create' | 'destroy', times: readonly number[], few: number): Row[] {
  const tenth = Math.max(1, Math.floor(times.length / 10));
  const [first, last] = [times.slice(0, tenth), times.slice(-tenth)];
  const total = (until: number): Point => ({ count: until, cost: times.slice(0, until).reduce((sum, time) => sum + time, 0) });
  const rate = (part: readonly number[]): string => (1e6 / (part.reduce((sum, time) => sum + time, 0) / part.length)).toFixed(0);
  const [some, all] = [total(few), total(times.length)];
  return [
    rowOf(`${what}, the ${tenth} with most others`, 'µs', summarize(last), {
      reference: { name: `the ${tenth} with fewest`, value: median(first) }, comparison: `${(median(last) / median(first)).toFixed(2)} ×; ${rate(last)} /s instead of ${rate(first)}`,
    }),
    rowOf(`${what} of all ${times.length}`, 'ms', all.cost / 1000, { reference: { name: `${few} of them, with fewest others`, value: some.cost / 1000 }, comparison: describeGrowth(some, all), budget: notFasterThanLinear(some, all) }),
  ];
}

function requestRow(name: (typeof requestNames)[number], few: RequestsAmong, many: RequestsAmong): Row {
  const point = ({ count, times }: RequestsAmong): Point => ({ count, cost: times[name] });
  return rowOf(`${name}, among ${many.count}`, 'µs', many.times[name], {
    reference: { name: `among ${few.count}`, value: few.times[name] }, comparison: describeGrowth(point(few), point(many)), budget: notFasterThanLinear(point(few), point(many)),
  });
}

function recoveryRow(few: Point, many: Point): Row {
  return rowOf(`recovery of ${many.count} after kill -9`, 'ms', many.cost, {
    reference: { name: `of ${few.count}`, value: few.cost }, comparison: describeGrowth(few, many), budget: { text: '≤ 2 ms each', met: many.cost <= 2 * many.count }, goal: { text: '≤ 1 ms each', met: many.cost <= many.count },
  });
}
