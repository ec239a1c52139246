/**
 * What is left of a container whose monitor and wshd were both killed. Nothing of the kernel knows those processes as one container's any more; they are known by the
 * HOME that they were started with, which is no other process's. One that has another by the request's wish is not found.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { WardenError } from 'warden-protocol';
import { startTimer, type Clock } from '../../lib/timer.js';
import { isErrno } from '../linux/small-file.js';

/** Dying takes a moment, of which nobody tells whose child it is not. */
const pauseMs = 10;
const attempts = 100;
/** Process ids in a message. */
const shown = 10;

/** Kills them until none is left. @param home of the container, on the machine @throws WardenError timeout: some outlive that */
export async function killLeftovers(home: string, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const pids = findLeftovers(home);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await new Promise<void>((resolve) => void startTimer(clock, pauseMs, resolve));
  }
  const left = findLeftovers(home);
  if (left.length > 0) throw new WardenError('timeout', `processes of ${home} outlive SIGKILL (${left.slice(0, shown).join(', ')}); they are stuck in the kernel, or another user's: end them, and destroy again`);
}

/** Process ids. */
export function findLeftovers(home: string): number[] {
  const wanted = `HOME=${home}`;
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => pid !== process.pid && environmentOf(pid).includes(wanted));
}

/** Empty: it is gone, a zombie, or somebody else's. */
function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
