// What a box runs: a script of bash or an argument vector, how, and what came of it.
import { type ResourceLimits, WardenError } from 'warden-protocol';
import type { JobResult } from '../client.js';
import type { EndingDetails } from '../job-stream.js';
import type { JobRequest } from '../job-request.js';
import { signalName } from './signals.js';
import { textOf } from './text.js';

/** Text is a script, read by bash; a list is a program and its arguments, which no shell sees. */
export type Command = string | readonly string[];

/** What a job reads. */
export type Input = string | Uint8Array | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

export interface JobOptions {
  /** Where it begins: an absolute path in the container; the user's home unless given. */
  readonly cwd?: string | undefined;
  /** Added to its environment and winning over it. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A name of the container's own passwd, a uid, or uid:gid; vcap unless given. */
  readonly user?: string | undefined;
  /** As root of the container. */
  readonly privileged?: boolean | undefined;
  readonly rlimits?: ResourceLimits | undefined;
  /** Milliseconds after which every process of it is killed, by the server. */
  readonly timeoutMs?: number | undefined;
  /** Its lines also go to syslog, as warden.<logTag>. */
  readonly logTag?: string | undefined;
  /** Keep no output. */
  readonly discardOutput?: boolean | undefined;
}

export interface RunOptions extends JobOptions {
  /** What it reads from its standard input, to its end. */
  readonly stdin?: Input | undefined;
  /** Rejects with a RunError when it ends otherwise than with status 0. */
  readonly check?: boolean | undefined;
  /** Kills it, and rejects with the code canceled. */
  readonly signal?: AbortSignal | undefined;
}

/** How a job ended. */
export interface JobExit extends EndingDetails {
  /** 255 when it was killed by a signal, or its status is unknown. */
  readonly exitStatus: number;
}

/** A job that has ended, with its output. */
export class RunResult implements JobExit {
  readonly exitStatus: number;
  readonly signal?: number;
  readonly timedOut?: boolean;
  readonly lost?: boolean;
  /** As the job wrote it. */
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;

  /** @internal Made by Box and Job. */
  constructor({ exitStatus, stdout, stderr, signal, timedOut, lost }: JobResult) {
    this.exitStatus = exitStatus;
    if (signal !== undefined) this.signal = signal;
    if (timedOut !== undefined) this.timedOut = timedOut;
    if (lost !== undefined) this.lost = lost;
    this.stdoutBytes = stdout;
    this.stderrBytes = stderr;
  }

  /** It ended by itself, with status 0. */
  get ok(): boolean {
    return this.exitStatus === 0;
  }

  /** Its output as UTF-8. */
  get stdout(): string {
    return textOf(this.stdoutBytes);
  }

  /** Its error output as UTF-8. */
  get stderr(): string {
    return textOf(this.stderrBytes);
  }

  /** Its output as it is mostly wanted in a template: without line ends at the end. */
  toString(): string {
    return this.stdout.replace(/[\r\n]+$/, '');
  }
}

/** A job that was to be checked and did not end well: with the code failed, or timeout when its time was over. */
export class RunError extends WardenError {
  override readonly name = 'RunError';
  readonly result: RunResult;

  /** @internal Made by Box. */
  constructor(command: Command, result: RunResult) {
    super(result.timedOut === true ? 'timeout' : 'failed', describe(command, result));
    this.result = result;
  }
}

/** Characters of a command, and of its last words, that an error repeats. */
const SHOWN = 200;

function describe(command: Command, result: RunResult): string {
  const what = shortened(typeof command === 'string' ? command.trim().split('\n')[0] ?? '' : command.join(' '));
  const last = result.stderr.trimEnd().split('\n').at(-1) ?? '';
  return `${JSON.stringify(what)} ${endingOf(result)}${last === '' ? '' : `: ${shortened(last)}`}`;
}

function endingOf({ timedOut, lost, signal, exitStatus }: RunResult): string {
  if (timedOut === true) return 'was killed, because its time was over';
  if (lost === true) return 'was lost: nobody knows how it ended';
  return signal === undefined ? `ended with status ${exitStatus}` : `was killed by ${signalName(signal)}`;
}

function shortened(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}

/** The request of a command. */
export function jobRequest(handle: string, command: Command, options: JobOptions, more: Pick<JobRequest, 'stdin' | 'tty'> = {}): JobRequest {
  const { cwd, env, user, privileged, rlimits, timeoutMs, logTag, discardOutput } = options;
  if (typeof command !== 'string' && command.length === 0) throw new WardenError('invalid_argument', 'a command is a script, or a list of a program and its arguments: this list is empty');
  return { handle, ...(typeof command === 'string' ? { script: command } : { args: command }), cwd, env, user, privileged, rlimits, timeoutMs, logTag, discardOutput, ...more };
}
