/* What a run is called, and with it its cgroups and nftables tables: by its process, so that those of one that was killed are in nobody's way. */
import { readFileSync } from 'node:fs';

/** Of the run that this process, and no other with the same number, is. */
export interface Run {
  readonly pid: number;
  /** When it began: clock ticks since the machine's start, proc_pid_stat(5). */
  readonly started: string;
}

/** @returns undefined: there is no such process, or it has ended and is only waited for */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, started }: Run): boolean {
  return startOf(pid) === started;
}

export function runNameOf(pid: number): string {
  return `warden-bench-${pid}`;
}

export const runName = runNameOf(process.pid);
