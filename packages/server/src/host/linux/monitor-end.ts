/** What the place where a monitor listens says about it, when nobody answers there, or not any more. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A monitor that has destroyed its container removes its socket, and then its pid file; one that was killed leaves both.
 * @param code of the error that connecting met; or ECONNRESET, which one meets that was connected when the monitor ended, and not yet served
 * @returns undefined: nothing is certain; a full queue, for one, or a socket that somebody removed under a living monitor
 */
export function monitorEnd(socketPath: string, code: unknown): 'destroyed' | 'dead' | undefined {
  if (code === 'ECONNREFUSED') return 'dead';
  if (code !== 'ENOENT' && code !== 'ECONNRESET') return undefined;
  const owner = readIfThere(join(dirname(socketPath), 'monitor.pid'));
  if (owner === undefined) return 'destroyed';
  return isRunning(owner) ? undefined : 'dead';
}

/** "PID STARTTIME": a pid alone may have come to belong to another process. */
function isRunning(owner: string): boolean {
  const [pid = '', startTime] = owner.trim().split(' ');
  const status = /^[1-9]\d*$/.test(pid) ? readIfThere(`/proc/${pid}/stat`) : undefined;
  // Behind the name, which may hold anything, the first field is the state, and the 20th the time of the start: proc(5).
  const fields = status?.slice(status.lastIndexOf(')') + 2).split(' ');
  return fields !== undefined && fields[19] === startTime && fields[0] !== 'Z' && fields[0] !== 'X';
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
