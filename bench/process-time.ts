/* Processor time of processes, threads and the kernel, by the kernel's account: /proc/PID/task/TID/schedstat (time on a processor, time waiting for one, slices), and /proc/PID/stat and /proc/stat, which count hundredths of a second. */
import { readdirSync, readFileSync } from 'node:fs';

/** Microseconds, and how often it got a processor. */
export interface Account { readonly ran: number; readonly waited: number; readonly slices: number }

const nothing: Account = { ran: 0, waited: 0, slices: 0 };
/** USER_HZ: proc(5). */
const TICKS_PER_SECOND = 100;

export function parseAccount(text: string): Account {
  const [ran = 0, waited = 0, slices = 0] = text.trim().split(' ').map(Number);
  return { ran: ran / 1000, waited: waited / 1000, slices };
}

/** One thread; nothing when it is gone. */
export function accountOf(pid: number, thread = pid): Account {
  try {
    return parseAccount(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'));
  } catch {
    return nothing;
  }
}

export function sumOf(accounts: readonly Account[]): Account {
  return accounts.reduce((sum, { ran, waited, slices }) => ({ ran: sum.ran + ran, waited: sum.waited + waited, slices: sum.slices + slices }), nothing);
}

export function threadsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}

/** Microseconds that all processors were busy, since the machine's start. */
export function busyTime(text = readFileSync('/proc/stat', 'latin1')): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0] = (/^cpu +(.*)$/m.exec(text)?.[1] ?? '').split(' ').map(Number);
  return (user + nice + system + interrupts + softInterrupts) / TICKS_PER_SECOND * 1e6;
}

/** proc_pid_stat(5): cutime and cstime, behind the name, which may hold anything. */
export function parseTimeOfEnded(stat: string): number {
  const [utime = 0, stime = 0] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(13, 15).map(Number);
  return (utime + stime) * 1e6 / TICKS_PER_SECOND;
}

/** Microseconds of its children, and of theirs, that have ended and were waited for. */
export function timeOfEnded(pid: number): number {
  return parseTimeOfEnded(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

function isKernelThread(pid: number): boolean {
  try {
    return /^Kthread:\s*1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // it has ended meanwhile
  }
}

/** Microseconds of the kernel's own threads. */
export function kernelTime(): number {
  return sumOf(readdirSync('/proc').map(Number).filter((pid) => pid > 0 && isKernelThread(pid)).map((pid) => accountOf(pid))).ran;
}
