/* What the machine's memory is used for, as /proc/meminfo tells. Other programs are in it, too: differences over many containers count. */
import { readFileSync } from 'node:fs';

/** KiB. */
export interface MachineMemory {
  readonly available: number;
  /** Of the kernel's own objects: those it could give back when memory is short, and those it could not. */
  readonly reclaimable: number;
  readonly unreclaimable: number;
  readonly stacks: number;
  readonly pageTables: number;
  /** One copy for each processor. */
  readonly perProcessor: number;
}

export function parseMachineMemory(text: string): MachineMemory {
  const value = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
  return {
    available: value('MemAvailable'), reclaimable: value('SReclaimable'), unreclaimable: value('SUnreclaim'), stacks: value('KernelStack'), pageTables: value('PageTables'), perProcessor: value('Percpu'),
  };
}

export function readMachineMemory(): MachineMemory {
  return parseMachineMemory(readFileSync('/proc/meminfo', 'utf8'));
}

/** Of each of `count` containers that were made between the two. */
export function memoryEach(before: MachineMemory, after: MachineMemory, count: number): MachineMemory {
  const names = Object.keys(before) as (keyof MachineMemory)[];
  const each = Object.fromEntries(names.map((name) => [name, (after[name] - before[name]) / count])) as Record<keyof MachineMemory, number>;
  return { ...each, available: -each.available };
}

/** What the kernel keeps and cannot give back. */
export function keptByKernel({ unreclaimable, stacks, pageTables, perProcessor }: MachineMemory): number {
  return unreclaimable + stacks + pageTables + perProcessor;
}
