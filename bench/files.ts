/*
 * Files into a container and out of it, next to `cp -r` of the same within the depot's file system, in turns. Both find the source in the page cache, and
 * neither waits for the disk.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { WardenClient } from 'warden-client';
import { takeTurns, timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { median, summarize } from './statistics.js';
import { atLeast, atMostTimes, rowOf } from './table.js';
import type { Row } from './table.js';

const FILES = 100;
const FILE_BYTES = 100_000;
const BUDGET_TIMES = 2;
const GOAL_TIMES = 1.2;
const BUDGET_RATE = 500;

/** Microseconds of `cp -r`, with its start from a shell that is there already, and without what starting that costs. */
function timeOfCp(source: string, destination: string): number {
  const script = 'from=$EPOCHREALTIME; cp -r "$1" "$2"; to=$EPOCHREALTIME; echo $((${to/./} - ${from/./}))';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', source, destination], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cp: ${stderr}`);
  return Number(stdout);
}

export async function files({ server, directory, sizes }: Surroundings): Promise<Result> {
  const rows: Row[] = [];
  const samples: Record<string, readonly number[]> = {};
  const place = `${directory}/files`;
  const many = `${place}/many`;
  const big = `${place}/big`;
  mkdirSync(many, { recursive: true });
  for (let index = 0; index < FILES; index++) writeFileSync(`${many}/${index}`, Buffer.alloc(FILE_BYTES, index));
  const client = await WardenClient.connect({ path: server.socket });
  const { handle } = await client.create();
  let number = 0;
  const inside = (): string => `/home/vcap/${number++}`;
  const clean = (): Promise<unknown> => client.run({ handle, script: 'rm -rf /home/vcap/[0-9]*' });

  /** The same of `cp -r` as a job, without sharing blocks: the container's own file system. */
  async function timeOfCpInside(): Promise<number> {
    const { stdout } = await client.run({ handle, script: `from=$EPOCHREALTIME; cp -r --reflink=never /home/vcap/many ${inside()}; to=$EPOCHREALTIME; echo $((\${to/./} - \${from/./}))` });
    return Number(Buffer.from(stdout).toString());
  }

  async function measureMany(): Promise<void> {
    const [into, out, cp, cpInside]: [number[], number[], number[], number[]] = [[], [], [], []];
    // Removed at the end: ext4 passes over inodes that were removed a moment ago, one by one, and a copy would take several times as long.
    const kept: string[] = [];
    const outside = (): string => {
      const path = `${place}/copy-${kept.length}`;
      kept.push(path);
      return path;
    };
    await client.copyIn({ handle, srcPath: `${many}/`, dstPath: '/home/vcap/many' });
    await takeTurns(sizes.turns, async () => {
      into.push(await timed(() => client.copyIn({ handle, srcPath: `${many}/`, dstPath: inside() })));
      out.push(await timed(() => client.copyOut({ handle, srcPath: '/home/vcap/many/', dstPath: outside() })));
      cpInside.push(await timeOfCpInside());
      await clean();
    }, async () => void cp.push(timeOfCp(many, outside())));
    for (const path of kept) rmSync(path, { recursive: true });
    const reference = { name: 'cp -r', value: median(cp) };
    for (const [name, taken] of [['copy_in', into], ['copy_out', out]] as const) {
      const summary = summarize(taken);
      rows.push(rowOf(`${name}, ${FILES} files of ${FILE_BYTES / 1000} KB`, 'µs', summary, {
        reference, budget: atMostTimes(BUDGET_TIMES, summary.median, reference.value, 'cp -r'), goal: atMostTimes(GOAL_TIMES, summary.median, reference.value, 'cp -r'),
      }));
      samples[`${name} of ${FILES} files`] = taken;
    }
    const inContainer = { name: 'cp -r as a job, within the container', value: median(cpInside) };
    rows.push(rowOf('copy_in, next to a copy within the container', 'µs', summarize(into), { reference: inContainer }));
    Object.assign(samples, { 'cp -r of the same': cp, 'cp -r of the same in the container': cpInside });
  }

  /**
   * What was written before would be written out meanwhile, and the kernel holds up whoever writes more. And memory for the copy is there, which a file has just
   * given back: a virtual machine gets memory that nobody has used for a while from its host, page by page, at half a gigabyte a second.
   */
  function settle(): void {
    for (const [program, ...operands] of [['sync'], ['cp', big, `${place}/room`], ['rm', `${place}/room`]] as const) {
      const { status, stderr } = spawnSync(program, operands, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${program}: ${stderr}`);
    }
  }

  async function measureBig(): Promise<void> {
    const bytes = sizes.outputInBytes;
    const rate = (microseconds: number): number => bytes / microseconds;
    const [into, out, cp]: [number[], number[], number[]] = [[], [], []];
    const part = Buffer.alloc(8 * 1024 ** 2, 7);
    writeFileSync(big, '');
    for (let at = 0; at < bytes; at += part.length) writeFileSync(big, part, { flag: 'a' });
    for (let turn = 0; turn < sizes.outputRepeats; turn++) {
      const path = inside();
      settle();
      into.push(rate(await timed(() => client.copyIn({ handle, srcPath: big, dstPath: path }))));
      settle();
      out.push(rate(await timed(() => client.copyOut({ handle, srcPath: path, dstPath: `${place}/out` }))));
      rmSync(`${place}/out`);
      await clean();
      settle();
      cp.push(rate(timeOfCp(big, `${place}/cp`)));
      rmSync(`${place}/cp`);
    }
    const reference = { name: 'cp', value: median(cp) };
    for (const [name, rates] of [['copy_in', into], ['copy_out', out]] as const) {
      const figure = median(rates);
      rows.push(rowOf(`${name}, one file of ${bytes / 1024 ** 2} MiB`, 'MB/s', figure, { reference, budget: atLeast(BUDGET_RATE, 'MB/s', figure) }));
      samples[`${name} of one file`] = rates;
    }
  }

  await measureMany();
  await measureBig();
  await client.destroy({ handle });
  await client.close();
  rmSync(place, { recursive: true });
  return { rows, samples };
}
