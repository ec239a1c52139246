/**
 * Which process is the server of a depot. The depot's lock says its number, but a killed server leaves the file, and its number may be another process's by now,
 * another server's too. So what counts is that the lock is held, by a child of that process: its launcher (native/launcher/lock.c).
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ readonly pid: number, readonly startTime: string }} Running  a process, by its number and the clock ticks at which it began: proc_pid_stat(5) */

/** @param {string} depot @returns {Running | undefined} */
export function serverOf(depot) {
  const lock = join(depot, 'lock');
  try {
    const pid = Number.parseInt(readFileSync(lock, 'utf8'), 10);
    const { startTime } = statusOf(pid);
    const isServer = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').some((word) => word.endsWith('/wardend'));
    return isServer && holdersOf(lock).some((holder) => isChild(holder, pid)) ? { pid, startTime } : undefined;
  } catch {
    return undefined; // there is no lock, or it has ended
  }
}

/** @param {Running} server */
export function isRunning({ pid, startTime }) {
  try {
    const now = statusOf(pid);
    return now.startTime === startTime && now.state !== 'Z';
  } catch {
    return false;
  }
}

/** @param {number} pid @throws what open(2) says of a process that is not there */
function statusOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name before it may have any character.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], parent: Number(fields[1]), startTime: fields[19] ?? '' };
}

/** @param {number} pid @param {number} parent */
function isChild(pid, parent) {
  try {
    return statusOf(pid).parent === parent;
  } catch {
    return false;
  }
}

/**
 * Who has a file locked for itself alone, by flock(2). Not every file system's device is in the list as stat(2) has it, so that it is one of its own files is looked at.
 * @param {string} path
 */
function holdersOf(path) {
  const file = statSync(path, { bigint: true });
  return readFileSync('/proc/locks', 'utf8').split('\n').flatMap((line) => {
    const [, kind, , access, pid = '', place = ''] = line.split(/\s+/);
    return kind === 'FLOCK' && access === 'WRITE' && place.endsWith(`:${file.ino}`) && hasOpen(pid, file) ? [Number(pid)] : [];
  });
}

/** @param {string} pid @param {import('node:fs').BigIntStats} file */
function hasOpen(pid, { dev, ino }) {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const status = statSync(`/proc/${pid}/fd/${fd}`, { bigint: true, throwIfNoEntry: false });
      return status?.dev === dev && status.ino === ino;
    });
  } catch {
    return false; // it has ended
  }
}
