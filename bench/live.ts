/* Many idle containers: what each keeps in memory, a create among them, and a restart that finds them all again. */
import { WardenClient } from 'warden-client';
import { Floor } from './floor.js';
import { createAmongRow, measureLifecycles } from './lifecycle.js';
import type { Samples } from './lifecycle.js';
import { takeTurns, timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { descendants, residentOf } from './process-memory.js';
import { median, summarize } from './statistics.js';
import { atMostBytes, rowOf } from './table.js';

const RECOVERY_MS_PER_CONTAINER = 2;
const KIB = 1024;
const MIB = 1024 ** 2;

async function createMany(socket: string, count: number): Promise<void> {
  const client = await WardenClient.connect({ path: socket });
  for (let index = 0; index < count; index++) await client.create();
  await client.close();
}

/** MiB of all processes of the containers, for each of them. */
function memoryPerContainer(wardend: number, count: number): { total: number; monitors: number; inits: number } {
  const processes = descendants(wardend);
  const sum = (pattern: RegExp): number => processes.filter(({ name }) => pattern.test(name)).reduce((total, { pssInKib }) => total + pssInKib, 0) / 1024 / count;
  const [monitors, inits] = [sum(/^monitor/), sum(/^wshd/)];
  return { total: monitors + inits, monitors, inits };
}

export async function live(surroundings: Surroundings): Promise<Result> {
  const { server, sizes, directory, rootFileSystem, live: count } = surroundings;
  // A daemon that has done nothing yet, and is started a second time to know what a start costs by itself.
  await server.end('SIGTERM');
  const emptyStart = await server.start();
  const residentAtStart = residentOf(server.pid) / 1024;
  await createMany(server.socket, count);
  const residentWithMany = residentOf(server.pid) / 1024;
  const memory = memoryPerContainer(server.pid, count);

  const floor = new Floor({ directory: `${directory}/floor-live`, rootFileSystem, live: count });
  const client = await WardenClient.connect({ path: server.socket });
  const ours: Samples = { create: [], run: [], destroy: [] };
  const theirs: number[] = [];
  await takeTurns(
    Math.max(2, sizes.turns / 2),
    async () => { theirs.push(...(await floor.lifecycles(sizes.lifecyclesPerTurn / 2, 'true')).create); },
    async () => { await measureLifecycles(client, ours, sizes.lifecyclesPerTurn / 2, 0); },
  );
  await floor.close();
  const list: number[] = [];
  for (let index = 0; index < 50; index++) list.push(await timed(() => client.list()));
  await client.close();

  await server.end('SIGKILL');
  const recovery = await server.start() - emptyStart;
  const begin = performance.now();
  await server.destroyAll();
  const destroyAll = (performance.now() - begin) * 1000 / count;
  const each = (residentWithMany - residentAtStart) * 1024 / count;
  return {
    rows: [
      createAmongRow(`create among ${count} live containers`, ours.create, theirs),
      rowOf(`run \`true\` among ${count}, the first in its container`, 'µs', summarize(ours.run)),
      rowOf(`list of ${count}`, 'µs', median(list)),
      rowOf('idle container, PSS of its processes', 'MiB', memory.total,
        { comparison: `monitor ${memory.monitors.toFixed(2)}, wshd ${memory.inits.toFixed(2)}`, budget: atMostBytes(1.5, 'MB', memory.total * MIB), goal: atMostBytes(0.7, 'MB', memory.total * MIB) }),
      rowOf('wardend, resident, no container yet', 'MiB', residentAtStart, { budget: atMostBytes(90, 'MB', residentAtStart * MIB) }),
      rowOf(`wardend, resident, more for each of ${count} containers`, 'KiB', each, { budget: atMostBytes(20, 'KB', each * KIB) }),
      rowOf(`recovery of ${count} containers after kill -9`, 'ms', recovery, {
        budget: { text: `≤ ${RECOVERY_MS_PER_CONTAINER} ms each`, met: recovery <= RECOVERY_MS_PER_CONTAINER * count },
        goal: { text: `≤ ${RECOVERY_MS_PER_CONTAINER / 2} ms each`, met: recovery <= RECOVERY_MS_PER_CONTAINER / 2 * count },
      }),
      rowOf(`destroy of all ${count}, for each`, 'µs', destroyAll),
    ],
    samples: { [`create among ${count}`]: ours.create, [`floor create among ${count}`]: theirs },
  };
}
