/*
 * `npm run bench`: measures warden through its socket next to a C program that does the same kernel work, in the same run and
 * in turns, and prints medians, p99 and ratios as a Markdown table. Nothing is asserted: a busy machine is no failure. README.md tells how
 * to read it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { compareFigures, describeChanges, missedBudgets, newRows, worseThan } from './compare.js';
import type { Figures } from './compare.js';
import { cycles } from './cycles.js';
import { files } from './files.js';
import { Floor } from './floor.js';
import { removeLeftover } from './leftover.js';
import { lifecycle } from './lifecycle.js';
import { limits } from './limits.js';
import { live } from './live.js';
import { load } from './load.js';
import { takeLock } from './lock.js';
import { describeMachine } from './machine.js';
import type { Result, Surroundings } from './measurement.js';
import { parseOptions, usage } from './options.js';
import type { Options, SectionName } from './options.js';
import { model } from './model.js';
import { network } from './network.js';
import { output } from './output.js';
import { peers } from './peers/measure.js';
import { peerTable } from './peers/peer-table.js';
import type { PeerRow } from './peers/samples.js';
import { World } from './peers/world.js';
import { ping } from './ping.js';
import { pool } from './pool.js';
import { printProfiles } from './profile.js';
import { requests } from './requests.js';
import { makeRootFileSystem } from './root-file-system.js';
import { scale } from './scale.js';
import { Server } from './server.js';
import { markdownTable } from './table.js';
import type { Row } from './table.js';
import { transfers } from './transfers.js';

const MEASUREMENTS: Readonly<Record<SectionName, (surroundings: Surroundings) => Promise<Result>>> = { lifecycle, pool, cycles, ping, requests, limits, network, files, transfers, output, load, live, scale, model };

async function measure(options: Options, surroundings: Surroundings): Promise<{ rows: Row[]; samples: Record<string, readonly number[]>; peerRows: PeerRow[] }> {
  const rows: Row[] = [];
  const peerRows: PeerRow[] = [];
  const samples: Record<string, readonly number[]> = {};
  for (const [name, measurement] of Object.entries(MEASUREMENTS) as [SectionName, (typeof MEASUREMENTS)[SectionName]][]) {
    if (!options.only.has(name) || ((name === 'live' || name === 'scale') && options.live === 0)) continue;
    const begin = performance.now();
    const result = await measurement(surroundings);
    process.stderr.write(`${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
    rows.push(...result.rows);
    Object.assign(samples, result.samples);
  }
  if (options.peers.size > 0) {
    const begin = performance.now();
    const result = await peers(surroundings, options.peers);
    process.stderr.write(`peers: ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
    peerRows.push(...result.rows);
    Object.assign(samples, result.samples);
  }
  return { rows, samples, peerRows };
}

/** Throws when the file is not there, or is none of `--record`. */
function check({ check: path, tolerance }: Options, now: Figures): void {
  const before = JSON.parse(readFileSync(path ?? '', 'utf8')) as Figures;
  const changes = compareFigures(before, now);
  const section = (title: string, names: readonly string[]): string[] => names.length === 0 ? [] : [title, ...names.map((name) => `  ${name}`)];
  const lines = [
    `the committed figures are of ${before.machine[0] ?? 'an unknown machine'}`, ...describeChanges(changes, tolerance),
    ...section('budgets that the committed figures meet and these do not:', missedBudgets(before, now)),
    ...section('not compared, because the committed figures have no such row:', newRows(before, now)),
  ];
  process.stdout.write(`\n${lines.join('\n')}\n`);
  if (worseThan(changes, tolerance).length > 0) process.exitCode = 3;
}

async function run(options: Options): Promise<void> {
  const { directory } = options;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const machine = describeMachine(directory);
  process.stderr.write(`${machine.join('\n')}\n`);
  const rootFileSystem = await makeRootFileSystem(`${directory}/rootfs`);
  const server = new Server(directory, rootFileSystem.directory, options.programs);
  let floor: Floor | undefined;
  const interrupt = (): void => {
    process.stderr.write('interrupted: removing what there is\n');
    void World.closeAll().then(() => floor?.close()).then(() => server.remove()).finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    await server.start();
    if (options.profile !== undefined) {
      await printProfiles(options.profile, server, options.sizes, directory);
      await server.remove();
      rmSync(directory, { recursive: true, force: true });
      return;
    }
    floor = new Floor({ directory: `${directory}/floor`, rootFileSystem });
    const { rows, samples, peerRows } = await measure(options, { sizes: options.sizes, server, floor, directory, rootFileSystem, live: options.live });
    process.stdout.write(`${machine.map((line) => `${line}  `).join('\n')}\n\n${[...(rows.length === 0 ? [] : [markdownTable(rows)]), ...(peerRows.length === 0 ? [] : [peerTable(peerRows, 'warden')])].join('\n\n')}\n`);
    if (options.record !== undefined) writeFileSync(options.record, `${JSON.stringify({ machine, rows } satisfies Figures, null, 1)}\n`);
    if (options.check !== undefined) check(options, { machine, rows });
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ machine, sizes: options.sizes, rows, peers: peerRows, samples }, null, 1)}\n`);
  } catch (error) {
    process.stderr.write(`the logs of wardend are left in ${directory}\n`);
    await floor?.close();
    // What went wrong first is what counts.
    await server.remove().catch((later: unknown) => process.stderr.write(`${String(later)}\n`));
    throw error;
  }
  await floor.close();
  await server.remove();
  rmSync(directory, { recursive: true, force: true });
}

const options = parseOptions(process.argv.slice(2));
if (options === undefined) process.stdout.write(usage);
else {
  const lock = takeLock(options.directory);
  process.once('exit', () => lock.release());
  for (const killed of lock.killed) await removeLeftover(killed, options.programs);
  lock.forgetKilled();
  await run(options);
}
