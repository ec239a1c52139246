/* Processor time of threads, and of the whole machine, in microseconds. */
import { readFileSync } from 'node:fs';

/** USER_HZ, in which /proc/stat counts: proc(5). */
const TICKS_PER_SECOND = 100;

/** Of a process's first thread, by the scheduler's own account, which is exact. */
export function threadTime(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
}

/** Of all processors together: everything but being idle, waiting for a disk, and what the hypervisor took. To a hundredth of a second. */
export function parseMachineTime(text: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (text.split('\n')[0] ?? '').trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * 1e6 / TICKS_PER_SECOND;
}

export function machineTime(): number {
  return parseMachineTime(readFileSync('/proc/stat', 'utf8'));
}
