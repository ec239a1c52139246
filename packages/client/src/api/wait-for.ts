// Waiting for something to happen in a box: a port that is listened on, a line of a job's output.
import { WardenError } from 'warden-protocol';
import type { BoxConnections } from './box-connections.js';
import { jobRequest } from './command.js';
import type { Job } from './job.js';

export interface WaitOptions {
  /** Milliseconds until it rejects with the code timeout; a minute unless given. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait with the code canceled. */
  readonly signal?: AbortSignal | undefined;
}

export type WaitFor = WaitOptions & (
  /** A TCP port that a program of the box listens on. */
  | { readonly port: number }
  /** A line of a job's output: text that is in it, or a pattern. */
  | { readonly log: string | RegExp; readonly job?: Job | undefined }
);

const DEFAULT_TIMEOUT_MS = 60_000;

/** What bash may take to start. */
const SPARE_MS = 30_000;

/** The status of a job whose time was over. */
const NOT_THERE = 3;

/**
 * A look at the kernel's own list of sockets, which no program notices: state 0A is LISTEN. There is no event for it, so
 * bash looks every twentieth of a second, waiting on a pipe that nobody writes to rather than on a program that an image may lack.
 */
const LISTENING = `
begin=\${EPOCHREALTIME//[.,]/}
exec {never}<> <(:)
while :; do
  for list in /proc/net/tcp /proc/net/tcp6; do
    [[ -r $list ]] || continue
    while read -r _ address _ state _; do
      [[ $state == 0A && \${address##*:} == "$1" ]] && exit 0
    done < "$list"
  done
  (( \${EPOCHREALTIME//[.,]/} - begin < $2 )) || exit ${NOT_THERE}
  read -rt 0.05 -u "$never"
done`;

/** Waits until a program of the box listens on a port. */
export async function waitForPort(connections: BoxConnections, handle: string, port: number, { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: WaitOptions): Promise<void> {
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) throw new WardenError('invalid_argument', `timeoutMs of waitFor must be a whole number from 1, not ${timeoutMs}`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new WardenError('invalid_argument', `a port is a whole number from 1 to 65535, not ${port}`);
  const inHex = port.toString(16).toUpperCase().padStart(4, '0');
  // The job ends by itself, also when nobody waits for it any more; the server's own time-out, an event of the box, is for the case that it cannot.
  const request = jobRequest(handle, ['/bin/bash', '-c', LISTENING, 'wait-for-port', inHex, String(timeoutMs * 1000)], { timeoutMs: 2 * timeoutMs + SPARE_MS });
  const { exitStatus, timedOut, stderr } = await connections.alone((client) => client.run(request, { signal }));
  if (exitStatus === 0) return;
  if (timedOut === true || exitStatus === NOT_THERE) throw new WardenError('timeout', `nothing listened on port ${port} of ${handle} within ${timeoutMs} ms`);
  throw new WardenError('internal', `cannot look for port ${port} of ${handle}: ${Buffer.from(stderr).toString().trim() || `status ${exitStatus}`}`);
}

/** The first line that has it. Rejects with wrong_state when the job has ended without. */
export async function waitForLine(job: Job, log: string | RegExp, { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: WaitOptions): Promise<string> {
  // A pattern with the flag g or y would remember where it was in another line.
  const pattern = typeof log === 'string' ? undefined : new RegExp(log.source, log.flags.replace(/[gy]/g, ''));
  const over = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
  const either = signal === undefined ? over : AbortSignal.any([over, signal]);
  try {
    for await (const { line } of job.lines({ signal: either })) {
      if (pattern?.test(line) ?? line.includes(log as string)) return line;
    }
  } catch (reason) {
    const error = WardenError.from(reason);
    if (error.code === 'canceled' && over.aborted && signal?.aborted !== true) throw new WardenError('timeout', `no line with ${String(log)} from job ${job.id} of ${job.handle} within ${timeoutMs} ms`);
    throw error;
  }
  throw new WardenError('wrong_state', `job ${job.id} of ${job.handle} ended without a line with ${String(log)}`);
}
