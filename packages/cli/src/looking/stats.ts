// `stats`: what containers use, again and again.
import { setTimeout as delay } from 'node:timers/promises';
import { type InfoResponse, Type, WardenError } from 'warden-protocol';
import { paintFor } from '../colour.js';
import { jsonLine, jsonText } from '../json-text.js';
import { parseDecimal } from '../size.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { type Column, tableLines } from '../table.js';
import { sizeText } from './show.js';
import { memoryUsed, processorShare, type Sample, UNLIMITED_MEMORY } from './usage.js';

const MOST_HANDLES = 1000;
const DEFAULT_INTERVAL_S = 1;
const MOST_INTERVAL_S = 3600;
/** Below that the looks would be a load of their own. */
const LEAST_INTERVAL_S = 0.1;
/** Between the two looks that one table needs. */
const SHORT_INTERVAL_MS = 500;

const COLUMNS: readonly Column[] = [
  { heading: 'HANDLE' }, { heading: 'CPU%', alignRight: true }, { heading: 'MEMORY', alignRight: true }, { heading: 'LIMIT', alignRight: true }, { heading: 'MEM%', alignRight: true },
  { heading: 'NET IN', alignRight: true }, { heading: 'NET OUT', alignRight: true }, { heading: 'DISK', alignRight: true }, { heading: 'PIDS', alignRight: true },
];

export const statsCommand: Subcommand = {
  name: 'stats',
  summary: 'show what containers use, until it is interrupted',
  usage: '[OPTION…] [HANDLE…]',
  options: {
    all: { short: 'a', about: 'those that are stopped, too' },
    'no-stream': { about: 'once, not again and again' },
    interval: { value: 'SECONDS', about: `between two looks; ${DEFAULT_INTERVAL_S} unless given, ${LEAST_INTERVAL_S} at least` },
  },
  fewest: 0,
  most: MOST_HANDLES,
  json: true,
  operandKind: 'handle',
  notes: 'All that are active unless some are named. CPU% is of one processor. With -o json there is one list a line.',
  run: showStats,
};

async function showStats(call: Call): Promise<number> {
  const { signal } = call.context;
  const interval = call.value('interval');
  const seconds = interval === undefined ? DEFAULT_INTERVAL_S : parseDecimal('--interval', interval, MOST_INTERVAL_S);
  if (seconds < LEAST_INTERVAL_S) throw new WardenError('invalid_argument', `--interval of stats is at least ${LEAST_INTERVAL_S}, not ${interval}`);
  const once = call.flag('no-stream');
  let earlier = new Map<string, Sample>();
  try {
    // What processors have done is known between two looks.
    for (let looks = 0; ; looks++) {
      if (looks > 0) await delay(once || looks === 1 ? Math.min(SHORT_INTERVAL_MS, seconds * 1000) : seconds * 1000, undefined, { signal });
      const samples = await look(call);
      if (looks > 0) await show(call, samples, earlier);
      if (once && looks > 0) return 0;
      earlier = new Map(samples.map((sample) => [sample.handle, sample]));
    }
  } catch (reason) {
    // An interrupt is how this ends.
    if (!once && signal?.aborted === true) return 0;
    if (signal?.aborted === true) throw new WardenError('canceled', 'stats was interrupted', { cause: reason });
    throw reason;
  }
}

/** A container that goes meanwhile is left out, unless it was asked for. */
async function look({ context: { client, signal }, operands, flag }: Call): Promise<Sample[]> {
  const named = operands.length > 0;
  const handles = named ? operands : (await client.request(Type.List, {}, { signal })).handles;
  const answers = await Promise.allSettled(handles.map((handle) => client.info({ handle }, { signal })));
  return answers.flatMap((answer, index): Sample[] => {
    const handle = handles[index] as string;
    if (answer.status === 'fulfilled') return named || flag('all') || answer.value.state === 'active' ? [{ handle, info: answer.value, atMs: performance.now() }] : [];
    const error = WardenError.from(answer.reason);
    if (named || (error.code !== 'not_found' && error.code !== 'wrong_state')) throw named ? new WardenError(error.code, `${handle}: ${error.message}`, { cause: error }) : error;
    return [];
  });
}

async function show(call: Call, samples: readonly Sample[], earlier: ReadonlyMap<string, Sample>): Promise<void> {
  const { streams: { stdout }, environment } = call.context;
  if (call.json) {
    const plain = samples.map((sample) => plainSample(sample, earlier.get(sample.handle)));
    await write(stdout, call.flag('no-stream') ? jsonText(plain) : jsonLine(plain));
    return;
  }
  const live = stdout.isTTY === true && !call.flag('no-stream');
  const lines = tableLines(COLUMNS, samples.map((sample) => rowOf(sample, earlier.get(sample.handle))), paintFor(stdout, environment), stdout.isTTY === true ? stdout.columns : undefined);
  await write(stdout, live ? screenOf(lines, stdout.rows ?? Infinity) : `${lines.join('\n')}\n`);
}

/** From the top, line over line, so that nothing flickers; what was longer is wiped out. */
function screenOf(lines: readonly string[], rows: number): string {
  const shown = lines.length < rows ? lines : [...lines.slice(0, Math.max(1, rows - 2)), `… ${lines.length - Math.max(1, rows - 2)} more`];
  return `\u001b[H${shown.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`;
}

function rowOf(sample: Sample, earlier: Sample | undefined): string[] {
  const { info: { memoryStat, networkStat, diskStat, pidsStat } } = sample;
  const [used, limit] = [memoryUsed(memoryStat), limitOf(memoryStat)];
  const share = processorShare(sample, earlier);
  return [
    sample.handle,
    share === undefined ? '-' : share.toFixed(1),
    used === undefined ? '-' : sizeText(used),
    limit === undefined ? '-' : sizeText(limit),
    used === undefined || limit === undefined ? '-' : (Number(used) / Number(limit) * 100).toFixed(1),
    ...[networkStat?.inBytes, networkStat?.outBytes, diskStat?.bytesUsed].map((bytes) => bytes === undefined ? '-' : sizeText(bytes)),
    String(pidsStat?.current ?? '-'),
  ];
}

function plainSample(sample: Sample, earlier: Sample | undefined): object {
  const { handle, info: { state, memoryStat, networkStat, diskStat, pidsStat, cpuStat } } = sample;
  const share = processorShare(sample, earlier);
  return {
    handle,
    state,
    cpuPercent: share === undefined ? null : Math.round(share * 10) / 10,
    cpuUsageNs: cpuStat?.usage,
    memoryBytes: memoryUsed(memoryStat),
    memoryLimitBytes: limitOf(memoryStat) ?? null,
    networkInBytes: networkStat?.inBytes,
    networkOutBytes: networkStat?.outBytes,
    diskBytes: diskStat?.bytesUsed,
    inodes: diskStat?.inodesUsed,
    processes: pidsStat?.current,
  };
}

function limitOf(stat: InfoResponse['memoryStat']): bigint | undefined {
  const limit = stat?.hierarchicalMemoryLimit;
  return limit === undefined || limit >= UNLIMITED_MEMORY ? undefined : limit;
}
