/* What processes keep in memory, as /proc tells. */
import { readdirSync, readFileSync } from 'node:fs';

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
}

/** Resident set, in KiB. */
export function residentOf(pid: number): number {
  return kilobytes(read(pid, 'status'), 'VmRSS');
}

/** Proportional set size, in KiB. */
export function proportionalOf(pid: number): number {
  return kilobytes(read(pid, 'smaps_rollup'), 'Pss');
}

export interface ProcessMemory { readonly pid: number; readonly name: string; readonly pssInKib: number }

/** What a process has that a machine, or the process itself, may run out of. */
export interface ProcessCounts { readonly descriptors: number; readonly threads: number; readonly mounts: number }

export function countsOf(pid: number): ProcessCounts {
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: Number(/^Threads:\s*(\d+)$/m.exec(read(pid, 'status'))?.[1] ?? 0),
    mounts: read(pid, 'mountinfo').split('\n').length - 1,
  };
}

/** All descendants of a process, with their proportional set sizes. */
export function descendants(root: number): ProcessMemory[] {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync('/proc').map(Number).filter((value) => value > 0)) {
    const parent = Number(/^PPid:\s*(\d+)$/m.exec(read(pid, 'status'))?.[1] ?? 0);
    children.set(parent, [...children.get(parent) ?? [], pid]);
  }
  const found: ProcessMemory[] = [];
  const queue = [...children.get(root) ?? []];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    found.push({ pid, name: read(pid, 'comm').trim(), pssInKib: proportionalOf(pid) });
    queue.push(...children.get(pid) ?? []);
  }
  return found;
}
