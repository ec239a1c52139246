// `limit HANDLE KIND [VALUE…]`: limits for people, by plain numbers or sizes, as clients of the first protocol wrote and read them. The
// requests limit_memory, limit_cpu, limit_disk and limit_bandwidth have every field.
import { Type, WardenError } from 'warden-protocol';
import type { CommandContext } from './commands.js';
import { jsonText } from './json-text.js';
import { write } from './streams.js';

const LARGEST = 2n ** 64n - 1n;
const UNITS: ReadonlyMap<string, bigint> = new Map([['', 0n], ['K', 10n], ['M', 20n], ['G', 30n], ['T', 40n]]);

interface Kind {
  readonly values: readonly string[];
  /** What `none` stands for; undefined: this limit cannot be taken away. */
  readonly none?: bigint;
  /** Sets the limit, or reads it when there are no values; answers with what is in force. */
  readonly apply: (handle: string, values: readonly bigint[], context: CommandContext) => Promise<string>;
}

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['mem', {
    values: ['BYTES'],
    none: LARGEST,
    apply: async (handle, [limitInBytes], { client, signal }) => String((await client.request(Type.LimitMemory, { handle, limitInBytes }, { signal })).limitInBytes),
  }],
  ['cpu', {
    values: ['SHARES'],
    apply: async (handle, [limitInShares], { client, signal }) => String((await client.request(Type.LimitCpu, { handle, limitInShares }, { signal })).limitInShares),
  }],
  ['disk', {
    values: ['BYTES'],
    none: 0n,
    apply: async (handle, [byteLimit], { client, signal }) => String((await client.request(Type.LimitDisk, { handle, byteLimit }, { signal })).byteLimit),
  }],
  ['pids', {
    values: ['NUMBER'],
    none: LARGEST,
    apply: async (handle, [limit], { client, signal }) => String((await client.limitPids({ handle, limit }, { signal })).limit ?? 'none'),
  }],
  ['bandwidth', {
    values: ['RATE', 'BURST'],
    apply: async (handle, [rate, burst], { client, signal }) => {
      if (rate !== undefined && burst !== undefined) {
        const inForce = await client.request(Type.LimitBandwidth, { handle, rate, burst }, { signal });
        return `rate: ${inForce.rate} burst: ${inForce.burst}`;
      }
      // The request has no form that only reads.
      const { bandwidthStat } = await client.info({ handle }, { signal });
      if (bandwidthStat === undefined) throw new WardenError('unsupported', 'the server does not tell the bandwidth');
      return `rate: ${bandwidthStat.inRate} burst: ${bandwidthStat.inBurst}`;
    },
  }],
]);

export const LIMIT_SUMMARY = 'set or read one limit: limit HANDLE mem|cpu|disk|pids|bandwidth [VALUE…]';

/** Help of the command, as `help limit` and `limit --help` show it. */
export const LIMIT_HELP = `limit: set or read one limit, and print what is in force
usage: ${[...KINDS].map(([name, { values }]) => `limit HANDLE ${name} [${values.join(' ')}]`).join('\n   or: ')}

A number may end in K, M, G or T, powers of 1024. RATE is in bytes per second, BURST in bytes; none takes mem, disk and pids away.
limit_memory, limit_cpu, limit_disk, limit_pids and limit_bandwidth have every field.
`;

export const LIMIT_KINDS: readonly string[] = [...KINDS.keys()];

/** Prints what is in force. @throws WardenError invalid_argument */
export async function runLimit(words: readonly string[], context: CommandContext): Promise<number> {
  const [handle, name = '', ...texts] = words;
  const kind = KINDS.get(name);
  if (handle === undefined || kind === undefined || handle.startsWith('-') || (texts.length !== 0 && texts.length !== kind.values.length)) {
    throw new WardenError('invalid_argument', `usage: limit HANDLE ${kind === undefined ? `${LIMIT_KINDS.join('|')} [VALUE…]` : `${name} [${kind.values.join(' ')}]`}`);
  }
  const values = texts.map((text, index) => parseValue(text, `${kind.values[index]} of limit ${name}`, kind.none));
  const inForce = await kind.apply(handle, values, context);
  await write(context.streams.stdout, context.json === true ? jsonText(plainLimit(inForce)) : `${inForce}\n`);
  return 0;
}

/** Of a number, `none`, which is null, or `rate: R burst: B`. */
function plainLimit(inForce: string): object {
  if (inForce === 'none') return { limit: null };
  const [rate, burst] = inForce.match(/\d+/g) ?? [];
  return inForce.startsWith('rate') ? { rate: BigInt(rate ?? 0), burst: BigInt(burst ?? 0) } : { limit: BigInt(inForce) };
}

function parseValue(text: string, what: string, none: bigint | undefined): bigint {
  if (none !== undefined && text === 'none') return none;
  const [, digits, unit = ''] = /^(\d{1,20})([KMGT]?)$/i.exec(text) ?? [];
  const value = digits === undefined ? undefined : BigInt(digits) << (UNITS.get(unit.toUpperCase()) ?? 0n);
  if (value === undefined || value > LARGEST) {
    throw new WardenError('invalid_argument', `${what} is a number from 0 to ${LARGEST}, which may end in K, M, G or T${none === undefined ? '' : ', or none'}, not ${JSON.stringify(text)}`);
  }
  return value;
}
