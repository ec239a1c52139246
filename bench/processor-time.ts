/* Processor time of threads, processes and the kernel, in microseconds. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, in which /proc/PID/stat counts: proc(5). */
const TICKS_PER_SECOND = 100;

/** Of a process's first thread, by the scheduler's own account, which is exact. */
export function threadTime(pid: number): number {
  return scheduled(`/proc/${pid}/task/${pid}/schedstat`);
}

/** Of all its threads. */
export function processTime(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + scheduled(`/proc/${pid}/task/${thread}/schedstat`), 0);
}

/** proc_pid_stat(5): cutime and cstime, behind the name, which may hold anything. */
export function parseTimeOfEnded(stat: string): number {
  const [utime = 0, stime = 0] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(13, 15).map(Number);
  return (utime + stime) * 1e6 / TICKS_PER_SECOND;
}

/** Of its children, and of theirs, that have ended and were waited for. To a hundredth of a second. */
export function timeOfEnded(pid: number): number {
  return parseTimeOfEnded(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Of the kernel's own threads. */
export function kernelTime(): number {
  const threads = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && /^Kthread:\s*1$/m.test(textOf(`/proc/${name}/status`)));
  return threads.reduce((sum, pid) => sum + scheduled(`/proc/${pid}/schedstat`), 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

function scheduled(path: string): number {
  return Number(textOf(path).split(' ')[0] ?? 0) / 1000;
}
