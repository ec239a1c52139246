// What becomes of a job as an exit status, as docker and shells have it.
import { WardenError } from 'warden-protocol';

/** The command itself failed, not the job. */
export const OWN_FAILURE = 125;
const TIMED_OUT = 124;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
/** Added to the number of the signal that ended a job. */
const SIGNALLED = 128;
const MOST = 255;

export interface Ending {
  readonly exitStatus?: number | undefined;
  readonly signal?: number | undefined;
  readonly timedOut?: boolean | undefined;
  readonly lost?: boolean | undefined;
}

export function statusOf({ exitStatus = MOST, signal, timedOut, lost }: Ending): number {
  if (timedOut === true) return TIMED_OUT;
  if (lost === true) return OWN_FAILURE;
  return Math.min(signal === undefined ? exitStatus : SIGNALLED + signal, MOST);
}

export function signalledStatus(signal: number): number {
  return SIGNALLED + signal;
}

/** Of a job that could not be started: the program is not there, or is none, or something else is wrong. */
export function startFailure(error: WardenError): number {
  if (!error.message.startsWith('execute program (')) return OWN_FAILURE;
  return error.code === 'not_found' ? NOT_FOUND : NOT_EXECUTABLE;
}
