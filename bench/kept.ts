/*
 * What many idle containers keep: memory of their processes and of the kernel, wardend's own, and descriptors. Taken at two sizes, because none of it may
 * grow faster than the number of containers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeGrowth, notFasterThanLinear } from './growth.js';
import type { Point } from './growth.js';
import { keptByKernel, memoryEach, readMachineMemory } from './kernel-memory.js';
import type { MachineMemory } from './kernel-memory.js';
import { countsOf, descendants, residentOf } from './process-memory.js';
import type { ProcessCounts } from './process-memory.js';
import type { Server } from './server.js';
import { atMostBytes, rowOf } from './table.js';
import type { Bound, Row } from './table.js';

/** The kernel takes network namespaces away behind a destroy. */
const SETTLE_MS = 500;
const KIB = 1024;

/** With no container. */
export interface Before {
  readonly memory: MachineMemory;
  /** KiB, of wardend. */
  readonly resident: number;
}

export interface Kept {
  readonly count: number;
  /** KiB, for each container. */
  readonly memory: MachineMemory;
  readonly processes: { readonly monitors: number; readonly inits: number };
  /** KiB, of wardend with all of them. */
  readonly resident: number;
  readonly counts: Readonly<Record<'wardend' | 'launcher' | 'monitor' | 'wshd', ProcessCounts>>;
}

export async function beforeContainers({ pid }: Server): Promise<Before> {
  await sleep(SETTLE_MS);
  return { memory: readMachineMemory(), resident: residentOf(pid) };
}

export async function whatIsKept({ pid: daemon }: Server, count: number, before: Before): Promise<Kept> {
  await sleep(SETTLE_MS);
  const memory = memoryEach(before.memory, readMachineMemory(), count);
  const processes = descendants(daemon);
  const of = (name: RegExp): number[] => processes.filter((process) => name.test(process.name)).map(({ pid }) => pid);
  const sum = (name: RegExp): number => processes.filter((process) => name.test(process.name)).reduce((total, { pssInKib }) => total + pssInKib, 0);
  // The youngest monitor waits for a container yet to come.
  const first = (name: RegExp): ProcessCounts => {
    const [pid] = of(name);
    if (pid === undefined) throw new Error(`wardend has no process whose name is like ${String(name)}`);
    return countsOf(pid);
  };
  return {
    count, memory, resident: residentOf(daemon), processes: { monitors: sum(/^monitor/) / count, inits: sum(/^wshd/) / count },
    counts: { wardend: countsOf(daemon), launcher: first(/^launcher/), monitor: first(/^monitor/), wshd: first(/^wshd/) },
  };
}

interface EachRow {
  /** KiB. */
  readonly each: (kept: Kept) => number;
  /** What it is made of. */
  readonly parts?: string;
  /** Unless told otherwise, that all together grow no faster than their number. */
  readonly budget?: Bound;
}

/** What --check compares is the size: that of few is no reference. And it finds rows by their names, which are the same in every run. */
function eachRow(name: string, few: Kept, many: Kept, { each, parts, budget }: EachRow): Row {
  // Next to nothing, or less by what other programs gave back meanwhile, is no growth.
  const total = (kept: Kept): Point => ({ count: kept.count, cost: Math.max(1, each(kept) * kept.count) });
  const growth = `${describeGrowth(total(few), total(many))}, with ${few.count} ${each(few).toFixed(1)}`;
  return rowOf(name, 'KiB', each(many), { comparison: parts === undefined ? growth : `${growth}; ${parts}`, budget: budget ?? notFasterThanLinear(total(few), total(many)) });
}

const partsOf = (parts: Readonly<Record<string, number>>): string => Object.entries(parts).map(([name, value]) => `${name} ${value.toFixed(0)}`).join(', ');
const beside = ({ threads, mounts }: ProcessCounts): string => `${threads} threads; it sees ${mounts} mounts`;

export function keptRows(before: Before, few: Kept, many: Kept): Row[] {
  const { memory: { unreclaimable, stacks, pageTables, perProcessor, reclaimable, available }, processes, counts: { wardend, launcher, monitor, wshd }, count } = many;
  const more = (kept: Kept): number => (kept.resident - before.resident) / kept.count;
  const descriptors = (kept: Kept): Point => ({ count: kept.count, cost: kept.counts.wardend.descriptors });
  return [
    eachRow(`memory for each of ${count}: its processes, PSS`, few, many, { each: (kept) => kept.processes.monitors + kept.processes.inits, parts: partsOf({ monitor: processes.monitors, wshd: processes.inits }) }),
    eachRow('… the kernel’s, not to be had back', few, many, {
      each: (kept) => keptByKernel(kept.memory), parts: partsOf({ objects: unreclaimable, stacks, 'page tables': pageTables, 'for the processors': perProcessor }),
    }),
    rowOf('… the kernel’s caches of files and directories', 'KiB', reclaimable),
    rowOf('… of what was available, in all', 'KiB', available),
    rowOf(`wardend, resident, with ${count}`, 'MiB', many.resident / KIB),
    eachRow(`wardend, resident, more for each of ${count}`, few, many, { each: more, budget: atMostBytes(20, 'KB', more(many) * KIB) }),
    rowOf(`descriptors of wardend with ${count}`, '', wardend.descriptors, {
      reference: { name: `with ${few.count}`, value: few.counts.wardend.descriptors }, comparison: `${describeGrowth(descriptors(few), descriptors(many))}; ${beside(wardend)}`,
      budget: notFasterThanLinear(descriptors(few), descriptors(many)),
    }),
    ...Object.entries({ 'the launcher': launcher, 'a monitor': monitor, 'a wshd': wshd }).map(([name, counts]) => rowOf(`descriptors of ${name}`, '', counts.descriptors, { comparison: beside(counts) })),
  ];
}
