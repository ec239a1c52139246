/*
 * `npm run bench -- --profile NAME,…`: where the time of requests goes, as Markdown: how long they took, which process had the processors
 * meanwhile or waited for one, and which functions of wardend. V8's profile costs a tenth or so; the table of times is measured without it.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { WardenClient } from 'warden-client';
import { cyclesPerSecond } from './cycles.js';
import { runTrue } from './lifecycle.js';
import { timed, timedAll } from './measurement.js';
import type { ProfileName, Sizes } from './options.js';
import { compiled } from './paths.js';
import { accountOf, busyTime, sumOf, threadsOf } from './process-time.js';
import type { Account } from './process-time.js';
import { descendants } from './process-memory.js';
import { ownTimes, shareTable } from './profile-text.js';
import type { Profile } from './profile-text.js';
import type { Server } from './server.js';
import { median } from './statistics.js';
import { formatNumber } from './table.js';

const OUTPUT_BYTES = 64 * 1024 ** 2;
const FUNCTIONS = 25;
const CYCLES_MS = 5000;
const OUTPUT_RUNS = 5;

/** What is profiled; the preparation is not. `work` returns the microseconds of each request. */
interface Subject { readonly prepare?: (client: WardenClient) => Promise<void>; readonly work: (client: WardenClient, server: Server) => Promise<number[]>; readonly finish?: (client: WardenClient) => Promise<void> }

async function destroyAll(client: WardenClient): Promise<void> {
  for (const handle of (await client.list()).handles) await client.destroy({ handle });
}

function subjects(count: number): Readonly<Record<ProfileName, Subject>> {
  const handle = 'profiled';
  const one = async (client: WardenClient): Promise<void> => { await client.create({ handle }); };
  return {
    create: { work: (client) => timedAll(count, () => client.create()), finish: destroyAll },
    run: { prepare: one, work: (client) => timedAll(count * 4, () => runTrue(client, handle)), finish: destroyAll },
    output: { prepare: one, work: (client) => timedAll(OUTPUT_RUNS, () => client.run({ handle, script: `head -c ${OUTPUT_BYTES} /dev/zero` })), finish: destroyAll },
    destroy: {
      prepare: async (client) => { for (let index = 0; index < count; index++) await runTrue(client, (await client.create()).handle); },
      work: async (client) => {
        const { handles } = await client.list();
        const samples: number[] = [];
        for (const each of handles) samples.push(await timed(() => client.destroy({ handle: each })));
        return samples;
      },
    },
    cycles: { work: async (_client, { socket }) => { const rate = await cyclesPerSecond(socket, 4, CYCLES_MS); return new Array<number>(Math.round(rate * CYCLES_MS / 1000)).fill(1e6 / rate); } },
  };
}

function accounts({ pid }: Server): Readonly<Record<string, Account>> {
  const launcher = descendants(pid).find(({ name }) => name === 'launcher')?.pid ?? 0;
  return {
    "wardend's first thread": accountOf(pid),
    "wardend's other threads (collector, compiler, pool)": sumOf(threadsOf(pid).filter((thread) => thread !== pid).map((thread) => accountOf(pid, thread))),
    launcher: accountOf(launcher),
    'this client': sumOf(threadsOf(process.pid).map((thread) => accountOf(process.pid, thread))),
  };
}

/** One measurement without the profiler. */
async function processTable(subject: Subject, client: WardenClient, server: Server): Promise<string> {
  await subject.prepare?.(client);
  const [before, busyBefore, begin] = [accounts(server), busyTime(), performance.now()];
  const samples = await subject.work(client, server);
  const [wall, busy, after] = [(performance.now() - begin) * 1000, busyTime() - busyBefore, accounts(server)];
  await subject.finish?.(client);
  const each = (value: number): string => formatNumber(value / samples.length);
  let known = 0;
  const lines = Object.entries(after).map(([name, account]) => {
    const { ran, waited, slices } = before[name] ?? account;
    known += account.ran - ran;
    return `| ${name} | ${each(account.ran - ran)} | ${each(account.waited - waited)} | ${each(account.slices - slices)} |`;
  });
  return [
    `${samples.length} requests, median ${formatNumber(median(samples))} µs each; ${each(wall)} µs of time for each, ${each(busy)} µs of processors.`, '',
    '| for each | ran, µs | waited for a processor, µs | slices |', '| --- | ---: | ---: | ---: |', ...lines,
    `| all else: monitors, wshd, jobs, the kernel's threads | ${each(busy - known)} |  |  |`,
  ].join('\n');
}

async function functionTable(subject: Subject, client: WardenClient, server: Server, probe: string): Promise<string> {
  await subject.prepare?.(client);
  await text(net.connect(probe));
  const samples = await subject.work(client, server);
  const profile = JSON.parse(await text(net.connect(probe))) as Profile;
  await subject.finish?.(client);
  return shareTable(ownTimes(profile), samples.length, FUNCTIONS);
}

/** Standard output gets a section for each. */
export async function printProfiles(names: readonly ProfileName[], server: Server, sizes: Sizes, directory: string): Promise<void> {
  const probe = `${directory}/cpu.sock`;
  await server.end('SIGTERM');
  await server.start({ NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${compiled}/cpu-probe.js`, CPU_PROBE_SOCKET: probe });
  const client = await WardenClient.connect({ path: server.socket });
  const count = sizes.turns * sizes.lifecyclesPerTurn / 2;
  const all = subjects(count);
  for (const name of ['create', 'run', 'destroy'] as const) {
    await all[name].prepare?.(client);
    await all[name].work(client, server);
    await all[name].finish?.(client);
  }
  process.stdout.write(`Linux ${readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()}, Node ${process.versions.node}, ${new Date().toISOString()}\n`);
  for (const name of names) {
    process.stdout.write(`\n## ${name}\n${await processTable(all[name], client, server)}\n\n`);
    process.stdout.write(`wardend's functions, with the profiler on:\n\n${await functionTable(all[name], client, server, probe)}\n`);
  }
  await client.close();
}
