// `limits`: what a container may use, all of it at once; with options it is changed.
import { type Limits, type LimitsInForce, Warden } from 'warden-client';
import { type InfoResponse, WardenError } from 'warden-protocol';
import { jsonText } from '../json-text.js';
import { amountOf, commonLimits } from '../limit-options.js';
import { parseSize, parseWhole } from '../size.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { table } from '../table.js';
import { sizeText } from './show.js';
import { memoryUsed, UNLIMITED_MEMORY } from './usage.js';

/** What the protocol says where there is no limit of bandwidth. */
const UNLIMITED_RATE = 4_294_967_295n;

export const limitsCommand: Subcommand = {
  name: 'limits',
  summary: 'show what a container may use, or change it',
  usage: '[OPTION…] HANDLE',
  options: {
    memory: { short: 'm', value: 'SIZE|none', about: 'the most memory and swap, such as 256M' },
    cpus: { value: 'N|none', about: 'the most processors, fractions too' },
    'cpu-shares': { value: 'N', about: 'its part of the processors when they are short; 1024 unless set' },
    'cpuset-cpus': { value: 'LIST|all', about: 'the processors it may run on, such as 0-2,5' },
    pids: { value: 'N|none', about: 'the most processes and threads' },
    disk: { value: 'SIZE|none', about: 'the most that it may write to its disk, such as 1G' },
    inodes: { value: 'N|none', about: 'the most files, directories and links' },
    bandwidth: { value: 'RATE[:BURST]', about: 'bytes per second in either direction, such as 1M; the burst is a tenth of that, 64K at least, unless given' },
  },
  fewest: 1,
  most: 1,
  json: true,
  operandKind: 'handle',
  notes: 'What is not given stays as it is. Prints what is in force.',
  run: showLimits,
};

async function showLimits(call: Call): Promise<number> {
  const { client, signal, streams: { stdout } } = call.context;
  const [handle = ''] = call.operands;
  const wanted = wantedLimits(call);
  await using box = await new Warden(client.address, { traceparent: client.traceparent }).get(handle, { signal });
  if (Object.values(wanted).some((limit) => limit !== undefined)) await box.limit(wanted, { signal });
  const [limits, info] = await Promise.all([box.limits({ signal }), client.info({ handle }, { signal })]);
  await write(stdout, call.json ? jsonText(plainLimits(limits, info)) : table([{ heading: 'LIMIT' }, { heading: 'IN FORCE' }, { heading: 'IN USE' }], rowsOf(limits, info)));
  return 0;
}

function wantedLimits(call: Call): Limits {
  const cpuList = call.value('cpuset-cpus');
  return {
    ...commonLimits(call, true),
    cpuList: cpuList === 'all' ? '' : cpuList,
    inodes: amountOf(call, 'inodes', (what, text) => parseWhole(what, text, 0, Number.MAX_SAFE_INTEGER), 0),
    bandwidth: amountOf(call, 'bandwidth', parseBandwidth),
  };
}

function parseBandwidth(what: string, text: string): NonNullable<Limits['bandwidth']> {
  const [rate = '', burst, ...rest] = text.split(':');
  if (rest.length > 0) throw new WardenError('invalid_argument', `${what} is RATE or RATE:BURST, not ${JSON.stringify(text)}`);
  const bytesPerSecond = parseSize(`RATE of ${what}`, rate);
  const tenth = bytesPerSecond / 10n;
  return { bytesPerSecond, burstBytes: burst === undefined ? (tenth < 65_536n ? 65_536n : tenth) : parseSize(`BURST of ${what}`, burst) };
}

function rowsOf({ memoryBytes, processors, cpuShares, cpuList, diskBytes, inodes }: LimitsInForce, info: InfoResponse): string[][] {
  const { memoryStat, diskStat, pidsStat, bandwidthStat, diskBackend } = info;
  const used = memoryUsed(memoryStat);
  const disk = (limit: bigint | undefined, show: (value: bigint) => string): string => limit === undefined ? diskBackend === 'none' ? 'cannot be limited here' : 'unknown' : limit === 0n ? 'none' : show(limit);
  return [
    ['memory', memoryBytes >= UNLIMITED_MEMORY ? 'none' : sizeText(memoryBytes), used === undefined ? '-' : sizeText(used)],
    ['processors', processors === undefined ? 'none' : String(processors), '-'],
    ['cpu shares', String(cpuShares), '-'],
    ['processors to run on', cpuList === undefined || cpuList === '' ? 'all' : cpuList, '-'],
    ['disk', disk(diskBytes, sizeText), diskStat?.bytesUsed === undefined ? '-' : sizeText(diskStat.bytesUsed)],
    ['files', disk(inodes, String), String(diskStat?.inodesUsed ?? '-')],
    ['processes and threads', String(pidsStat?.max ?? 'none'), String(pidsStat?.current ?? '-')],
    ['bandwidth in', rateText(bandwidthStat?.inRate, bandwidthStat?.inBurst), '-'],
    ['bandwidth out', rateText(bandwidthStat?.outRate, bandwidthStat?.outBurst), '-'],
  ];
}

function rateText(rate: bigint | undefined, burst: bigint | undefined): string {
  return rate === undefined || rate === UNLIMITED_RATE ? 'none' : `${sizeText(rate)}/s, bursts of ${sizeText(burst ?? 0n)}`;
}

/** No limit is null. */
function plainLimits(limits: LimitsInForce, { pidsStat, bandwidthStat }: InfoResponse): object {
  const { memoryBytes, diskBytes, inodes, processors, cpuList, cpuShares } = limits;
  const { inRate = UNLIMITED_RATE, inBurst, outRate = UNLIMITED_RATE, outBurst } = bandwidthStat ?? {};
  return {
    memoryBytes: memoryBytes >= UNLIMITED_MEMORY ? null : memoryBytes,
    processors: processors ?? null,
    cpuShares,
    cpuList: cpuList === undefined || cpuList === '' ? null : cpuList,
    diskBytes: diskBytes === 0n ? null : diskBytes,
    inodes: inodes === 0n ? null : inodes,
    processes: pidsStat?.max ?? null,
    bandwidthIn: inRate === UNLIMITED_RATE ? null : { bytesPerSecond: inRate, burstBytes: inBurst },
    bandwidthOut: outRate === UNLIMITED_RATE ? null : { bytesPerSecond: outRate, burstBytes: outBurst },
  };
}
