// A job in the foreground: its output here, our input there, our terminal its terminal, and signals passed on.
import { WardenError } from 'warden-protocol';
import type { CommandContext } from '../commands.js';
import { feedJob } from '../job-input.js';
import { printable } from '../print.js';
import { sentence } from '../sentence.js';
import { write } from '../streams.js';
import { untilDetached } from './detach-keys.js';
import { type Ending, signalledStatus, statusOf } from './exit-status.js';
import { copyOutput } from './job-output.js';
import { enterRawMode, numberOf, onResize } from './terminal.js';

export interface ForegroundJob {
  readonly handle: string;
  readonly jobId: number;
  /** Our standard input is its own. */
  readonly input: boolean;
  /** The size with which its terminal was made. */
  readonly terminal?: { readonly rows: number; readonly columns: number } | undefined;
  /** Ctrl-P Ctrl-Q leaves it. */
  readonly detachable: boolean;
  /** Undefined: it is taken with its end. */
  readonly sinceByte?: number | undefined;
}

/** So many of INT and TERM, and the job is left to itself. */
const PATIENCE = 3;
const KILL = 9;

/** Answers with the exit status of the job; 0 when it was left by Ctrl-P Ctrl-Q. */
export async function followJob(job: ForegroundJob, context: CommandContext): Promise<number> {
  const { client, streams } = context;
  const names = { handle: job.handle, jobId: job.jobId };
  const leave = new AbortController();
  const undo: (() => void)[] = [];
  let detached = false;
  let insisted: NodeJS.Signals | undefined;
  undo.push(passSignals(names, context, (name) => {
    insisted = name;
    leave.abort();
  }));
  try {
    const leaveRawMode = job.terminal !== undefined && job.input ? enterRawMode(streams) : () => undefined;
    if (job.terminal !== undefined) {
      undo.push(onResize(streams, job.terminal, (size) => void client.resize({ ...names, ...size }).catch(() => undefined)));
    }
    if (job.input) {
      undo.push(feed(job, context, () => {
        leaveRawMode();
        detached = true;
        leave.abort();
      }));
    }
    undo.push(leaveRawMode);
    const ending = await copyOutput(client, streams, { job: names, sinceByte: job.sinceByte, signal: leave.signal });
    await tellOddEnding(job, ending, context);
    return statusOf(ending);
  } catch (reason) {
    const error = WardenError.from(reason);
    if (error.code !== 'canceled' || !leave.signal.aborted) throw error;
    while (undo.length > 0) undo.pop()?.();
    const handle = printable(job.handle);
    const rest = job.detachable ? `, which goes on; warden attach ${handle} comes back to it` : '';
    await write(streams.stderr, `${detached ? '\n' : ''}warden: ${detached ? 'left' : 'gave up'} job ${job.jobId} of ${handle}${rest}\n`);
    return insisted === undefined ? 0 : signalledStatus(numberOf(insisted));
  } finally {
    while (undo.length > 0) undo.pop()?.();
  }
}

/** An interrupt that comes from a prompt is a kill: there is only one. */
function passSignals(job: { readonly handle: string; readonly jobId: number }, { client, signals, signal }: CommandContext, giveUp: (name: NodeJS.Signals) => void): () => void {
  let count = 0;
  const send = (number: number): void => void client.signal({ ...job, signal: number }).catch(() => undefined);
  const ignore = signals?.listen((name) => {
    if ((name === 'SIGINT' || name === 'SIGTERM') && ++count >= PATIENCE) giveUp(name);
    else send(numberOf(name));
  });
  const onAbort = (): void => send(KILL);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  return () => {
    ignore?.();
    signal?.removeEventListener('abort', onAbort);
  };
}

/** Passes our input on until it ends, the job does, or it is left. */
function feed(job: ForegroundJob, { client, input, streams }: CommandContext, onDetach: () => void): () => void {
  if (input === undefined) return () => undefined;
  const over = new AbortController();
  const pieces = job.terminal !== undefined && job.detachable ? (typed: AsyncIterable<Buffer>) => untilDetached(typed, () => {
    onDetach();
    over.abort();
  }) : undefined;
  feedJob(client, job, input, over.signal, { isTerminal: job.terminal !== undefined, pieces }).catch((reason: unknown) => {
    // A command whose input was cut off must not take it for a whole one.
    streams.stderr.write(`warden: the command is killed, because its input was cut off: ${sentence(reason)}\n`);
    client.signal({ handle: job.handle, jobId: job.jobId, signal: KILL }).catch(() => undefined);
  });
  return () => over.abort();
}

async function tellOddEnding({ jobId, handle: name }: ForegroundJob, { lost, timedOut }: Ending, { streams }: CommandContext): Promise<void> {
  const handle = printable(name);
  if (lost === true) await write(streams.stderr, `warden: nobody knows how job ${jobId} of ${handle} ended: its container or the server did before\n`);
  if (timedOut === true) await write(streams.stderr, `warden: job ${jobId} of ${handle} was killed, because its time was over\n`);
}
