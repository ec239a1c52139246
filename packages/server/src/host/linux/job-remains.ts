/** What a dead monitor has left of its jobs: `ID.exit` (docs/native.md), `ID.spool`, `ID.runs`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRemains } from '../host.js';
import type { JobExit } from '../monitor.js';
import { readSmallFile } from './small-file.js';
import { ExitKind } from './wire.js';

const recordLimitInBytes = 256;

/** @param directory `jobs` of a container; one that is not there has none */
export function readJobRemains(directory: string): JobRemains[] {
  const found = new Map<number, JobRemains>();
  for (const name of namesIn(directory)) {
    const [, id, kind] = /^([1-9]\d{0,9})\.(exit|spool|runs)$/.exec(name) ?? [];
    const jobId = Number(id);
    if (id === undefined || jobId > 0x7fff_ffff) continue;
    const record = kind === 'exit' ? parseRecord(readRecord(join(directory, name))) : undefined;
    if (record !== undefined || !found.has(jobId)) found.set(jobId, { jobId, exit: record?.exit, outputInBytes: record?.outputInBytes ?? 0 });
  }
  return [...found.values()];
}

/** "1 EXIT_KIND EXIT_VALUE BYTES", then words such as timed-out, and perhaps more that a later version has to say. */
function parseRecord(text: string | undefined): { exit: JobExit; outputInBytes: number } | undefined {
  const [, kind, value, bytes, words = ''] = /^1 ([123]) (\d{1,10}) (\d{1,20})(?: ([^\n]*))?\n$/.exec(text ?? '') ?? [];
  if (kind === undefined) return undefined;
  const timedOut = words.split(' ').includes('timed-out') ? { timedOut: true } as const : {};
  return { exit: { ...exitOf(Number(kind), Number(value)), ...timedOut }, outputInBytes: Number(bytes) };
}

function exitOf(kind: number, value: number): JobExit {
  if (kind === ExitKind.exited) return { kind: 'exited', status: value };
  return kind === ExitKind.signalled ? { kind: 'signalled', signal: value } : { kind: 'lost' };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readRecord(path: string): string | undefined {
  try {
    return readSmallFile(path, recordLimitInBytes);
  } catch {
    return undefined;
  }
}
