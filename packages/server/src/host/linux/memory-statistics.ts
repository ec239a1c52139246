/**
 * memory.stat of cgroup v1 as it is, and that of version 2 in the terms of version 1. docs/limits.md has the table. Pure.
 */
import type { Mutable } from '../../lib/mutable.js';
import { unlimitedMemory } from '../limits.js';
import { memoryCounters, type MemoryCounter, type MemoryStatistics } from '../statistics.js';

const totalOf = Object.fromEntries(memoryCounters.map((name) => [name, `total${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`])) as { readonly [Name in MemoryCounter]: `total${Capitalize<Name>}` };

/** Nothing, and no limit. */
export const nothingUsed: MemoryStatistics = Object.freeze(
  Object.fromEntries([
    ...memoryCounters.flatMap((name) => [[name, 0n], [totalOf[name], 0n]]),
    ['hierarchicalMemoryLimit', unlimitedMemory],
    ['hierarchicalMemswLimit', unlimitedMemory],
  ]) as MemoryStatistics,
);

/** Lines of version 1, by the name that the kernel gives them. */
const version1 = new Map<string, keyof MemoryStatistics>((Object.keys(nothingUsed) as (keyof MemoryStatistics)[]).map((name) => [snakeCase(name), name]));

/** The counter or limit that a line of version 1 tells, by the line's name. */
export function memoryFieldOfVersion1(line: string): keyof MemoryStatistics | undefined {
  return version1.get(line);
}

/** Lines of version 2 that count what a line of version 1 does. */
const version2 = new Map<string, MemoryCounter>([
  ['file', 'cache'],
  ['anon', 'rss'],
  ['file_mapped', 'mappedFile'],
  ['pgfault', 'pgfault'],
  ['pgmajfault', 'pgmajfault'],
  ['inactive_anon', 'inactiveAnon'],
  ['active_anon', 'activeAnon'],
  ['inactive_file', 'inactiveFile'],
  ['active_file', 'activeFile'],
  ['unevictable', 'unevictable'],
]);

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Calls `take` for each line `name value`; what is not of that form is passed over. */
function eachLine(text: string, take: (name: string, value: string) => void): void {
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    const space = text.indexOf(' ', at);
    if (space > at && space < end) take(text.slice(at, space), text.slice(space + 1, end));
    at = end + 1;
  }
}

/** @param text memory.stat */
export function memoryStatisticsOfVersion1(text: string): MemoryStatistics {
  const statistics: Mutable<MemoryStatistics> = { ...nothingUsed };
  eachLine(text, (name, value) => {
    const known = version1.get(name);
    if (known !== undefined) statistics[known] = BigInt(value);
  });
  return statistics;
}

/** The other files of a version 2 group, by the names they have there; undefined: there is none. */
export interface MemoryFiles {
  readonly swapCurrent: string | undefined;
  readonly max: string | undefined;
  readonly swapMax: string | undefined;
  /** memory.max of the group above, which all containers share. */
  readonly parentMax: string | undefined;
}

/** @param text memory.stat */
export function memoryStatisticsOfVersion2(text: string, files: MemoryFiles): MemoryStatistics {
  const statistics: Mutable<MemoryStatistics> = { ...nothingUsed };
  const put = (name: MemoryCounter, value: bigint): void => {
    statistics[name] = value;
    // Version 2 counts what is in groups below as well, so that the two are one.
    statistics[totalOf[name]] = value;
  };
  eachLine(text, (name, value) => {
    const known = version2.get(name);
    if (known !== undefined) put(known, BigInt(value));
  });
  put('swap', files.swapCurrent === undefined ? 0n : BigInt(files.swapCurrent.trim()));
  const own = limitOf(files.max);
  const swap = limitOf(files.swapMax);
  statistics.hierarchicalMemoryLimit = least(own, limitOf(files.parentMax));
  statistics.hierarchicalMemswLimit = own === unlimitedMemory || swap === unlimitedMemory ? unlimitedMemory : least(own + swap, unlimitedMemory);
  return statistics;
}

function limitOf(text: string | undefined): bigint {
  const value = text?.trim() ?? 'max';
  return value === 'max' ? unlimitedMemory : least(BigInt(value), unlimitedMemory);
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
