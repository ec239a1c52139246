/*
 * Files over the connection: one large file written and read, next to `cat` of the same, and a tree as an archive, next to `tar` in a pipe. What comes from or
 * goes to the client is memory there; nothing waits for the disk.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { WardenClient } from 'warden-client';
import { takeTurns, timed } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { median, summarize } from './statistics.js';
import { rowOf } from './table.js';
import type { Row } from './table.js';

const MEBIBYTE = 1024 ** 2;
const FILES = 100;
const FILE_BYTES = 100_000;
/** Of one file; a client holds it in memory. */
const BIG_LIMIT = 256 * MEBIBYTE;

/** Microseconds of a script's work in a shell that is there already. */
function timeOf(work: string, ...operands: string[]): number {
  const script = `set -o pipefail; from=$EPOCHREALTIME; ${work} || exit 1; to=$EPOCHREALTIME; echo $((\${to/./} - \${from/./}))`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...operands], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${work}: ${stderr}`);
  return Number(stdout);
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}

export async function transfers({ server, directory, sizes }: Surroundings): Promise<Result> {
  const rows: Row[] = [];
  const samples: Record<string, readonly number[]> = {};
  const place = `${directory}/transfers`;
  mkdirSync(`${place}/many`, { recursive: true });
  for (let index = 0; index < FILES; index++) writeFileSync(`${place}/many/${index}`, Buffer.alloc(FILE_BYTES, index));
  const client = await WardenClient.connect({ path: server.socket });
  const { handle } = await client.create();
  const { files: remote } = client;

  async function measureBig(): Promise<void> {
    const content = Buffer.alloc(Math.min(sizes.outputInBytes, BIG_LIMIT), 7);
    const rate = (microseconds: number): number => content.length / microseconds;
    const [written, read, plain]: [number[], number[], number[]] = [[], [], []];
    writeFileSync(`${place}/big`, content);
    for (let turn = 0; turn < sizes.outputRepeats; turn++) {
      written.push(rate(await timed(() => remote.write({ handle, path: 'big' }, content))));
      read.push(rate(await timed(() => drain(remote.read({ handle, path: 'big' })))));
      plain.push(rate(timeOf('cat "$1" | cat > "$2"', `${place}/big`, `${place}/copy`)));
      rmSync(`${place}/copy`);
      await remote.remove({ handle, path: 'big' });
    }
    const reference = { name: 'cat | cat', value: median(plain) };
    for (const [name, rates] of [['write_file', written], ['read_file', read]] as const) {
      rows.push(rowOf(`${name} of ${content.length / MEBIBYTE} MiB`, 'MB/s', median(rates), { reference }));
      samples[name] = rates;
    }
    samples['cat | cat'] = plain;
  }

  async function measureSmall(): Promise<void> {
    const [written, read]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < sizes.turns * 10; turn++) {
      written.push(await timed(() => remote.write({ handle, path: 'small' }, 'small')));
      read.push(await timed(() => remote.read({ handle, path: 'small' }).bytes()));
    }
    rows.push(rowOf('write_file of 5 bytes', 'µs', summarize(written)), rowOf('read_file of 5 bytes', 'µs', summarize(read)));
    Object.assign(samples, { 'write_file of 5 bytes': written, 'read_file of 5 bytes': read });
  }

  async function measureTree(): Promise<void> {
    const { stdout: archive } = spawnSync('tar', ['-C', `${place}/many`, '-c', '.'], { maxBuffer: 64 * MEBIBYTE });
    const [into, out, tar]: [number[], number[], number[]] = [[], [], []];
    const clean = async (): Promise<void> => {
      await remote.remove({ handle, path: 'many', recursive: true, force: true });
      await remote.makeDirectory({ handle, path: 'many' });
    };
    await takeTurns(sizes.turns, async () => {
      await clean();
      into.push(await timed(() => remote.tarIn({ handle, path: 'many' }, archive)));
      out.push(await timed(() => drain(remote.tarOut({ handle, path: 'many' }))));
    }, async () => {
      mkdirSync(`${place}/out`);
      tar.push(timeOf('tar -C "$1" -c . | tar -C "$2" -x', `${place}/many`, `${place}/out`));
      rmSync(`${place}/out`, { recursive: true });
    });
    const reference = { name: 'tar | tar', value: median(tar) };
    for (const [name, taken] of [['tar_in', into], ['tar_out', out]] as const) {
      rows.push(rowOf(`${name}, ${FILES} files of ${FILE_BYTES / 1000} KB`, 'µs', summarize(taken), { reference }));
      samples[name] = taken;
    }
    samples['tar | tar'] = tar;
  }

  await measureSmall();
  await measureBig();
  await measureTree();
  await client.destroy({ handle });
  await client.close();
  rmSync(place, { recursive: true });
  return { rows, samples };
}
