/* What /proc says about processes. A process that ends while we look is simply not there. */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** False for a zombie: it is gone but for its parent's wait. */
export function isAlive(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

export function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
}

/** A field of /proc/PID/status, for example `CapEff`. */
export function statusField(pid: number | 'self', name: string): string | undefined {
  const status = pid === 'self' ? readFileSync('/proc/self/status', 'utf8') : readProc(pid, 'status');
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
}

export function parentOf(pid: number): number {
  return Number(statusField(pid, 'PPid') ?? 0);
}

/** What the open descriptors of a process lead to, by number. */
export function openDescriptors(pid: number): Map<number, string> {
  const result = new Map<number, string>();
  let numbers: string[] = [];
  try {
    numbers = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return result;
  }
  for (const number of numbers) {
    try {
      result.set(Number(number), readlinkSync(`/proc/${pid}/fd/${number}`));
    } catch {
      // Closed meanwhile.
    }
  }
  return result;
}

export function commandLine(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** The working directory of a process. */
export function directoryOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/**
 * Whether a process has to do with a directory of control groups: it is in one, or holds one open. A container's
 * monitor is in none of its container's groups and has no path on its command line; the descriptors tell whose it is.
 */
export function belongsToGroups(pid: number, parent: string): boolean {
  if (readProc(pid, 'cgroup').includes(`/${parent}/`)) return true;
  if (!/^(monitor|wshd)/.test(readProc(pid, 'comm'))) return false;
  return [...openDescriptors(pid).values()].some((target) => new RegExp(`^/sys/fs/cgroup/.*/${parent}(/| |$)`).test(target));
}

/** Processes for which `matches` holds; kernel threads have no command line and are left out. */
export function findProcesses(matches: (pid: number, command: string) => boolean): number[] {
  return allPids().filter((pid) => {
    const command = commandLine(pid);
    return command !== '' && isAlive(pid) && matches(pid, command);
  });
}

/** Memory of a process in bytes: what is resident now, and the most that was since the process began or resetPeak(). */
export function memoryOf(pid: number): { readonly resident: number; readonly peak: number } {
  const bytes = (name: string): number => Number.parseInt(statusField(pid, name) ?? '0', 10) * 1024;
  return { resident: bytes('VmRSS'), peak: bytes('VmHWM') };
}

/** From now on the peak counts anew: proc_pid_clear_refs(5). */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
