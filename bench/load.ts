/* The daemon under load: many clients at once, one that streams, a thousand that dribble; and how long its event loop is kept meanwhile. */
import { besideStreamRows } from './beside-stream.js';
import { cyclesPerSecond } from './cycles.js';
import { loopRow, takeLoopFigures, withLoopProbe } from './loop.js';
import { lifecyclesOf, runsOf } from './many-clients.js';
import type { Finished } from './many-clients.js';
import type { Result, Surroundings } from './measurement.js';
import { pingMeanwhile, pingRow } from './ping-meanwhile.js';
import type { Ping } from './ping-meanwhile.js';
import { withSlowConnections } from './slow-connections.js';
import { summarize } from './statistics.js';
import { rowOf } from './table.js';
import type { Row } from './table.js';

const MANY = 200;
const FEW = 4;
const RUNS = 4;
const SLOW_CONNECTIONS = 1000;
const WARM_UP_LIFECYCLES = 25;
/** The slowest of many that began at once against the one in the middle. */
const FAIRNESS = 2;

function manyRows(what: string, requests: number, many: Finished, few: Finished, fewRequests: number): Row[] {
  const [rate, reference] = [requests / (many.all / 1000), fewRequests / (few.all / 1000)];
  const { median, maximum } = summarize(many.each);
  return [
    rowOf(`${what}, ${MANY} clients at once`, '/s', rate, { reference: { name: `${FEW} clients`, value: reference } }),
    rowOf(`… the slowest of these clients, ${what}`, 'ms', maximum, {
      reference: { name: 'the one in the middle', value: median }, budget: { text: `≤ ${FAIRNESS} × the one in the middle`, met: maximum <= FAIRNESS * median },
    }),
  ];
}

export async function load(surroundings: Surroundings): Promise<Result> {
  const { server, sizes, directory } = surroundings;
  const probe = `${directory}/loop.sock`;
  await server.end('SIGTERM');
  await server.start(withLoopProbe(probe));
  const { socket } = server;
  await lifecyclesOf(socket, FEW, WARM_UP_LIFECYCLES);

  await takeLoopFigures(probe);
  await cyclesPerSecond(socket, FEW, sizes.cyclesMs);
  const withFew = await takeLoopFigures(probe);

  const lifecyclesOfFew = MANY / FEW / 2;
  const few = await lifecyclesOf(socket, FEW, lifecyclesOfFew);
  await takeLoopFigures(probe);
  const many = await lifecyclesOf(socket, MANY, 1);
  const withMany = await takeLoopFigures(probe);
  const runsOfFew = MANY * RUNS / FEW / 2;
  const runsByFew = await runsOf(socket, FEW, runsOfFew);
  const runsByMany = await runsOf(socket, MANY, RUNS);

  await takeLoopFigures(probe);
  const beside = await besideStreamRows(surroundings);
  const withStream = await takeLoopFigures(probe);

  const [quiet, dribbling]: [Ping[], Ping[]] = [[], []];
  const aWhile = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, sizes.cyclesMs / 2));
  await pingMeanwhile(server, aWhile, quiet);
  await withSlowConnections(socket, SLOW_CONNECTIONS, () => pingMeanwhile(server, aWhile, dribbling));

  // The others are measured without the probe.
  await server.end('SIGTERM');
  await server.start();
  return {
    rows: [
      loopRow(`wardend's event loop blocked, worst, while ${FEW} clients create, run and destroy`, withFew, true),
      ...manyRows('create + run + info + destroy', MANY, many, few, FEW * lifecyclesOfFew),
      loopRow(`… wardend's event loop blocked, worst, with ${MANY} clients`, withMany),
      ...manyRows('run in 8 containers', MANY * RUNS, runsByMany, runsByFew, FEW * runsOfFew),
      ...beside.rows,
      loopRow("… wardend's event loop blocked, worst, beside a stream", withStream),
      pingRow('ping of an idle daemon every 2 ms', quiet),
      pingRow(`… with ${SLOW_CONNECTIONS} connections that send a byte a second`, dribbling),
    ],
    samples: {
      ...beside.samples, 'clients at once': many.each, 'runs of clients at once': runsByMany.each,
      'longest turns with few': withFew.longest.map(({ ms }) => ms), 'longest turns with many': withMany.longest.map(({ ms }) => ms),
    },
  };
}
