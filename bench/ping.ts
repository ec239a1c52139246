/* ping, one after the other and 64 under way, next to a bare Node server that echoes the same bytes. */
import { encodeRequest, encodeResponse, Type, withTraceparent } from 'warden-protocol';
import { ChildServer } from './child-server.js';
import { takeTurns } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { RoundTrips } from './round-trips.js';
import { median } from './statistics.js';
import { atLeastPercent, rowOf } from './table.js';
import type { Row } from './table.js';

const TURNS = 4;
const MODES = [
  { name: 'ping, one after the other', depth: 1, budget: 60, goal: 80 },
  { name: 'ping, 64 under way', depth: 64, budget: 25, goal: 50 },
] as const;

export async function ping({ server, sizes, directory }: Surroundings): Promise<Result> {
  const request = encodeRequest(Type.Ping, {});
  const echo = await ChildServer.start('echo-server', `${directory}/echo.sock`);
  const ours = await RoundTrips.connect(server.socket, request, encodeResponse(Type.Ping, {}).length);
  const theirs = await RoundTrips.connect(echo.path, request, request.length);
  const rows: Row[] = [];
  const samples: Record<string, number[]> = {};
  for (const { name, depth, budget, goal } of MODES) {
    const slice = sizes.pingMs / TURNS;
    const [warden, bare]: [number[], number[]] = [[], []];
    await theirs.perSecond(depth, slice / 4);
    await ours.perSecond(depth, slice / 4);
    await takeTurns(
      TURNS,
      async () => { bare.push(await theirs.perSecond(depth, slice)); },
      async () => { warden.push(await ours.perSecond(depth, slice)); },
    );
    const [figure, reference] = [median(warden), median(bare)];
    rows.push(rowOf(name, '/s', figure, {
      reference: { name: 'bare Node echo', value: reference }, budget: atLeastPercent(budget, figure, reference), goal: atLeastPercent(goal, figure, reference),
    }));
    samples[name] = warden;
    samples[`${name}: echo`] = bare;
  }
  // Whoever traces pays for it: the envelope is read the long way. Its flags say that nobody wants a line in the log.
  const traced = await RoundTrips.connect(server.socket, withTraceparent(request, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'), encodeResponse(Type.Ping, {}).length);
  const [with64, without64]: [number[], number[]] = [[], []];
  await takeTurns(
    TURNS,
    async () => { without64.push(await ours.perSecond(64, sizes.pingMs / TURNS)); },
    async () => { with64.push(await traced.perSecond(64, sizes.pingMs / TURNS)); },
  );
  rows.push(rowOf('ping with a traceparent, 64 under way', '/s', median(with64), { reference: { name: 'ping without, in turns', value: median(without64) } }));
  samples['ping with a traceparent'] = with64;
  traced.close();
  ours.close();
  theirs.close();
  await echo.close();
  return { rows, samples };
}
