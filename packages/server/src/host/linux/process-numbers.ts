/** How many processes and threads the kernel can have at a time, and how many of them are for containers. */
import { readFileSync } from 'node:fs';

/** The rest is for the host itself, for wardend, and for the monitor that each container has outside of its groups. */
const containersPart = 0.75;

/** What runs out first: numbers for processes (proc_sys_kernel(5): pid_max), or the memory for them that the kernel allows itself (threads-max). */
export function kernelProcessLimit(read: (name: string) => string = readSetting): number {
  return Math.min(Number(read('pid_max')), Number(read('threads-max')));
}

/** Processes and threads that all containers may have together. @param configured undefined: as many as may be */
export function totalPidsMax(configured: number | undefined, kernelLimit: number): number {
  return Math.min(configured ?? Number.MAX_SAFE_INTEGER, Math.floor(kernelLimit * containersPart));
}

function readSetting(name: string): string {
  return readFileSync(`/proc/sys/kernel/${name}`, 'utf8');
}
