/*
 * What others have of a daemon while one client streams a job's output as fast as it comes. The machine gets slower for everybody then, since
 * job, monitor, daemon and client keep two processors busy: so what bash and the floor lose beside the same stream is measured, too. A ping shares
 * the event loop with the stream, and is compared with a bare Node server that copies and echoes in one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WardenClient } from 'warden-client';
import { encodeRequest, encodeResponse, Type } from 'warden-protocol';
import { ChildServer } from './child-server.js';
import type { Floor } from './floor.js';
import { measureLifecycles, runTrue } from './lifecycle.js';
import { takeTurns, timed } from './measurement.js';
import type { Surroundings } from './measurement.js';
import { compiled } from './paths.js';
import { RoundTrips } from './round-trips.js';
import { median, summarize } from './statistics.js';
import { atMostTimes, rowOf } from './table.js';
import type { Row } from './table.js';

const TURNS = 2;
const PING_MS = 300;
/** How much more than the others a request may lose by the stream. */
const SHARE = 2;

/** Calls `work` while a client streams. @returns megabytes per second of the stream */
async function besideStream(socket: string, work: () => Promise<void>, mode: 'job' | 'bare' = 'job'): Promise<number> {
  const child = spawn(process.execPath, [`${compiled}/stream-client.js`, socket, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    if ((await lines.next()).done === true) throw new Error('the client that streams ended before the first byte came');
    await work();
  } finally {
    child.stdin.end();
  }
  const rate = Number((await lines.next()).value);
  await ended;
  return rate;
}

interface Samples { readonly ping: number[]; readonly bash: number[]; readonly run: number[]; readonly floorCreate: number[]; readonly create: number[] }

const emptySamples = (): Samples => ({ ping: [], bash: [], run: [], floorCreate: [], create: [] });

interface Measured { readonly client: WardenClient; readonly handle: string; readonly ping: RoundTrips; readonly floor: Floor; readonly count: number }

async function measure({ client, handle, ping, floor, count }: Measured, samples: Samples): Promise<void> {
  samples.ping.push(1e6 / await ping.perSecond(1, PING_MS));
  samples.bash.push(...await floor.bash(count, 'memfd'));
  for (let index = 0; index < count; index++) samples.run.push(await timed(() => runTrue(client, handle)));
  samples.floorCreate.push(...(await floor.lifecycles(count, 'true')).create);
  const lifecycles = { create: samples.create, run: [], destroy: [] };
  await measureLifecycles(client, lifecycles, count, 0);
}

function besideRow(name: string, unlimited: readonly number[], beside: readonly number[], floor: { readonly name: string; readonly alone: readonly number[]; readonly beside: readonly number[] }): Row {
  const [alone, figure] = [median(unlimited), summarize(beside)];
  const [ours, theirs] = [figure.median / alone, median(floor.beside) / median(floor.alone)];
  return rowOf(name, 'µs', figure, {
    reference: { name: 'without the stream', value: alone }, comparison: `${ours.toFixed(2)} ×; ${floor.name} ${theirs.toFixed(2)} ×`,
    budget: { text: `≤ ${SHARE} × what the other loses`, met: ours <= SHARE * theirs },
  });
}

export async function besideStreamRows({ server, floor, sizes, directory }: Surroundings): Promise<{ rows: Row[]; samples: Record<string, readonly number[]> }> {
  const request = encodeRequest(Type.Ping, {});
  const echoServer = await ChildServer.start('copy-and-echo-server', `${directory}/echo.sock`);
  const client = await WardenClient.connect({ path: server.socket });
  const { handle } = await client.create();
  const ping = await RoundTrips.connect(server.socket, request, encodeResponse(Type.Ping, {}).length);
  const echo = await RoundTrips.connect(echoServer.path, request, request.length);
  const measured = { client, handle, ping, floor, count: sizes.runsPerTurn };
  const [alone, beside] = [emptySamples(), emptySamples()];
  const [rates, echoes, copies]: [number[], number[], number[]] = [[], [], []];
  await takeTurns(
    TURNS,
    async () => {
      await measure(measured, alone);
      copies.push(await besideStream(echoServer.path, async () => {
        echoes.push(1e6 / await echo.perSecond(1, PING_MS));
        // The rates are compared: both have the same beside them.
        await measure(measured, emptySamples());
      }, 'bare'));
    },
    async () => { rates.push(await besideStream(server.socket, () => measure(measured, beside))); },
  );
  ping.close();
  echo.close();
  await client.destroy({ handle });
  await client.close();
  await echoServer.close();
  return {
    rows: [
      rowOf('ping beside a client that streams', 'µs', median(beside.ping), {
        reference: { name: 'bare Node that copies and echoes', value: median(echoes) },
        comparison: `${(median(beside.ping) / median(echoes)).toFixed(2)} ×; ${median(alone.ping).toFixed(0)} µs without the stream`,
        budget: atMostTimes(SHARE, median(beside.ping), median(echoes), 'the bare one'),
      }),
      besideRow('run `true` beside a client that streams', alone.run, beside.run, { name: 'bash on the host', alone: alone.bash, beside: beside.bash }),
      besideRow('create beside a client that streams', alone.create, beside.create, { name: 'floor', alone: alone.floorCreate, beside: beside.floorCreate }),
      rowOf('… the stream meanwhile', 'MB/s', median(rates), { reference: { name: 'bare Node that copies and echoes', value: median(copies) } }),
    ],
    samples: { 'run beside a stream': beside.run, 'create beside a stream': beside.create, 'bash beside a stream': beside.bash, 'floor create beside a stream': beside.floorCreate },
  };
}
