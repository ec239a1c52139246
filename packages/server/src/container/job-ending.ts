/** How a job ended, as responses say it. Pure. */
import type { JobExit } from '../host/monitor.js';

/** exit_status of a job that a signal ended, or that nobody knows the end of. */
export const unknownStatus = 255;

export function exitStatusOf(exit: JobExit): number {
  return exit.kind === 'exited' ? exit.status & 255 : unknownStatus;
}

/** What 255 leaves open. Clients that do not know these fields do not see them. */
export interface EndingDetails {
  readonly signal?: number;
  readonly timedOut?: true;
  readonly lost?: true;
}

/** @param exit undefined: nobody knows */
export function endingDetailsOf(exit: JobExit | undefined): EndingDetails {
  const timedOut = exit?.timedOut === true ? { timedOut: true } as const : {};
  if (exit === undefined || exit.kind === 'lost') return { lost: true, ...timedOut };
  return exit.kind === 'signalled' ? { signal: exit.signal, ...timedOut } : timedOut;
}
