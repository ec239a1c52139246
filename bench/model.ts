/* The simulation next to this machine: service times are measured with one client, and what it makes of them for more clients stands beside what is measured with as many. */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { WardenClient } from 'warden-client';
import { cyclesPerSecond } from './cycles.js';
import { Floor } from './floor.js';
import { runTrue } from './lifecycle.js';
import { lockUse } from './lock-use.js';
import type { LockUse } from './lock-use.js';
import type { Result, Surroundings } from './measurement.js';
import { descendants } from './process-memory.js';
import { accountOf, kernelTime, sumOf, threadsOf, timeOfEnded } from './process-time.js';
import type { Server } from './server.js';
import { simulate } from './simulation/simulate.js';
import { requestNames, restOf, sceneOf } from './simulation/warden.js';
import type { RequestTimes, ServiceTimes } from './simulation/warden.js';
import { median } from './statistics.js';
import { rowOf } from './table.js';
import type { Row } from './table.js';

const TURNS = 5;
const CYCLES = 40;
const WARM_UP = 60;
const CLIENTS = [1, 2, 4] as const;
/** There are as many uids. */
const MOST_CREATES = 900;
/** The kernel takes network namespaces away behind a destroy. */
const SETTLE_MS = 900;

async function cycle(client: WardenClient, measured: (name: (typeof requestNames)[number], call: () => Promise<unknown>) => Promise<void>): Promise<void> {
  let handle = '';
  await measured('create', async () => { ({ handle } = await client.create()); });
  await measured('run', () => runTrue(client, handle));
  await measured('destroy', () => client.destroy({ handle }));
}

/** Microseconds that RTNL is held for one of what is done meanwhile. */
async function rtnlFor(probe: Floor, milliseconds: number, work: (until: number) => Promise<number>): Promise<{ readonly each: number; readonly use: LockUse }> {
  const begin = performance.now();
  const [samples, done] = await Promise.all([probe.rtnl(milliseconds), work(begin + milliseconds)]);
  const use = lockUse(samples);
  return { each: use.held * (performance.now() - begin) * 1000 / done, use };
}

/** Creates alone, then whole cycles: what is more then is the removal of network namespaces. */
async function measureRtnl(server: Server, probe: Floor, milliseconds: number): Promise<ServiceTimes['rtnl'] & { readonly use: LockUse }> {
  const client = await WardenClient.connect({ path: server.socket });
  const created = await rtnlFor(probe, milliseconds, async (until) => {
    let done = 0;
    for (; performance.now() < until && done < MOST_CREATES; done++) await client.create();
    return done;
  });
  await server.destroyAll();
  await sleep(SETTLE_MS);
  const cycles = await rtnlFor(probe, milliseconds, async (until) => {
    let done = 0;
    for (; performance.now() < until; done++) await cycle(client, async (_name, call) => void await call());
    return done;
  });
  await client.close();
  return { create: created.each, removal: Math.max(0, cycles.each - created.each), use: cycles.use };
}

/** With one client. */
async function measureServiceTimes(server: Server, rtnl: ServiceTimes['rtnl']): Promise<ServiceTimes> {
  const client = await WardenClient.connect({ path: server.socket });
  const launcher = descendants(server.pid).find(({ name }) => name.startsWith('launcher'))?.pid;
  if (launcher === undefined) throw new Error('wardend has no launcher');
  const account = (): number[] => [performance.now() * 1000, accountOf(process.pid).ran, accountOf(server.pid).ran, accountOf(launcher).ran];
  const samples = new Map(requestNames.map((name) => [name, account().map((): number[] => [])]));
  // Whatever else the machine does is not counted: all work for a container is done by these, or by children that have ended with it.
  const ranOf = (pid: number): number => sumOf(threadsOf(pid).map((thread) => accountOf(pid, thread))).ran;
  const allOfUs = (): number => ranOf(process.pid) + ranOf(server.pid) + ranOf(launcher) + timeOfEnded(launcher) + kernelTime();
  const machine: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const begin = allOfUs();
    for (let index = 0; index < CYCLES; index++) {
      await cycle(client, async (name, call) => {
        const before = account();
        await call();
        account().forEach((value, at) => samples.get(name)?.[at]?.push(value - (before[at] ?? 0)));
      });
    }
    machine.push((allOfUs() - begin) / CYCLES);
  }
  await client.close();
  const timesOf = (name: (typeof requestNames)[number]): RequestTimes => {
    const [latency = 0, clientWork = 0, wardend = 0, launcherWork = 0] = (samples.get(name) ?? []).map(median);
    return { latency, client: clientWork, wardend, launcher: launcherWork };
  };
  return { create: timesOf('create'), run: timesOf('run'), destroy: timesOf('destroy'), machine: median(machine), rtnl };
}

async function warmUp(server: Server): Promise<void> {
  const client = await WardenClient.connect({ path: server.socket });
  for (let index = 0; index < WARM_UP; index++) await cycle(client, async (_name, call) => void await call());
  await client.close();
}

export async function model({ server, sizes, directory, rootFileSystem }: Surroundings): Promise<Result> {
  const probe = new Floor({ directory: `${directory}/floor-rtnl`, rootFileSystem });
  await warmUp(server);
  const rtnl = await measureRtnl(server, probe, sizes.cyclesMs);
  await probe.close();
  const times = await measureServiceTimes(server, rtnl);
  const processors = cpus().length;
  const rows: Row[] = [];
  const measured = new Map(CLIENTS.map((clients): [number, number[]] => [clients, []]));
  for (let turn = 0; turn < TURNS; turn++) for (const [clients, rates] of measured) rates.push(await cyclesPerSecond(server.socket, clients, sizes.cyclesMs / TURNS));
  for (const [clients, rates] of measured) {
    const predicted = simulate(sceneOf(times, { processors, clients, sharedClient: true }));
    rows.push(rowOf(`cycles per second, ${clients === 1 ? '1 client' : `${clients} clients`}, ${processors} processors`, '/s', median(rates), { reference: { name: 'simulated', value: predicted.cyclesPerSecond } }));
  }
  const { workingPart, later } = restOf(times);
  for (const name of requestNames) {
    const { latency, client, wardend, launcher } = times[name];
    rows.push(rowOf(`${name} with one client`, 'µs', latency), rowOf(`… on the client’s thread`, 'µs', client), rowOf(`… on wardend’s`, 'µs', wardend), rowOf(`… on the launcher’s`, 'µs', launcher));
  }
  rows.push(
    rowOf('RTNL held for a create', 'µs', rtnl.create), rowOf('… for the removal of a network namespace', 'µs', rtnl.removal),
    rowOf('… found held during cycles of one client, by per cent of requests', '', Math.round(rtnl.use.held * 100)), rowOf('… and waited for then', 'µs', rtnl.use.waited),
    rowOf('all processors for one cycle', 'µs', times.machine), rowOf('… of it behind the requests', 'µs', later),
    rowOf('of the requests’ other time, per cent that are work', '', Math.round(workingPart * 100)),
  );
  return { rows, samples: {} };
}
