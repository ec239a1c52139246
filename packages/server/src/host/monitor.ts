/** A container's monitor, as the container code needs it: jobs, signals, events. */

import { WardenError } from 'warden-protocol';
import type { UsageTexts } from './statistics.js';
import type { Transfer, TransferOrder, TransferSink } from './transfer.js';

/** Nobody listens on the monitor's socket: it is dead, and with it every process of its container. */
export class MonitorGone extends WardenError {
  override readonly name = 'MonitorGone';

  constructor(
    message: string,
    /** It was told to destroy its container, and has done so. */
    readonly destroyed: boolean,
  ) {
    super('unavailable', message);
  }
}

/** PID 1 of the container is dead, and with it every process. Its monitor lives. */
export class InitDead extends WardenError {
  override readonly name = 'InitDead';

  constructor(message: string, cause?: unknown) {
    super('unavailable', message, { cause });
  }
}

/** The container is being destroyed already: an earlier server has asked for it, or another request. */
export class BeingDestroyed extends WardenError {
  override readonly name = 'BeingDestroyed';

  constructor(cause?: unknown) {
    super('unavailable', 'the container is being destroyed', { cause });
  }
}

/** Not destroyed: the container has processes that nobody has asked to end, or the monitor cannot tell. */
export class ProcessesLeft extends WardenError {
  override readonly name = 'ProcessesLeft';

  constructor(cause?: unknown) {
    super('wrong_state', 'the container has processes', { cause });
  }
}

/** Not destroyed: its processes and cgroups are gone, but not its mounts. A file system that one of them is on does not answer; to be tried again. */
export class MountsLeft extends WardenError {
  override readonly name = 'MountsLeft';

  constructor(cause: WardenError) {
    super(cause.code, cause.message, { cause });
  }
}

export interface DestroyOrder {
  /** Only when no process but PID 1 is there. */
  readonly ifEmpty?: boolean;
  /** No process is left any more; the rest is still to be done. Not called by monitors of earlier builds. */
  readonly dead?: () => void;
}

/** How a job ended; lost: nobody can know any more. */
export type JobExit = (
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: number }
  | { readonly kind: 'lost' }
) & {
  /** Not all of its output was kept. */
  readonly outputCut?: true;
  /** Its time-out ended it. */
  readonly timedOut?: true;
  /** When it ended the OOM killer had taken a process of its container. */
  readonly outOfMemory?: true;
  /** Its record and output are gone with this, as spawnFollowed() has asked for. */
  readonly forgotten?: true;
};

export interface JobRlimit {
  /** Number of setrlimit(2)'s resource. */
  readonly resource: number;
  readonly soft: bigint;
  readonly hard: bigint;
}

export interface JobDescription {
  readonly jobId: number;
  /** What the job is, for people; at most 256 bytes. */
  readonly command: string;
  /** The program, looked up in the job's PATH unless it has a slash, and its arguments. */
  readonly argv: readonly string[];
  /** NAME=value, each name once. */
  readonly environment: readonly string[];
  /** The job's standard input; without it, and without openInput, that is empty. */
  readonly script: Uint8Array | undefined;
  /** Undefined: the home of userName. */
  readonly workingDirectory: string | undefined;
  /** A directory that cannot be entered fails the job; else that begins in the root directory. */
  readonly requireDirectory: boolean;
  /** A user of the container's own /etc/passwd, uid, or uid:gid, in place of uid and gid; gives HOME and USER. */
  readonly userName: string | undefined;
  readonly uid: number;
  readonly gid: number;
  readonly privileged: boolean;
  readonly rlimits: readonly JobRlimit[];
  readonly outputLimitInBytes: bigint;
  /** Keep no output. */
  readonly discard: boolean;
  /** Each line of output also goes to syslog as `warden.TAG`, its time in that zone. */
  readonly log: { readonly tag: string; readonly timeZone: string } | undefined;
  /** Standard input stays open for writeInput(). */
  readonly openInput: boolean;
  /** The job gets a terminal of this size. */
  readonly terminal: { readonly rows: number; readonly columns: number } | undefined;
  /** Every process of the job is killed when it has run for so long, whether the server lives or not. */
  readonly timeoutMs: bigint | undefined;
}

export type OutputStream = 'stdout' | 'stderr';

/** Takes a job's output. */
export interface OutputSink {
  /**
   * A piece of output, the sink's to keep; position is where it begins in the output of both streams together, in bytes.
   * @param release may be called, once, when nobody looks at `data` any more: that memory is used for others then
   * @returns false when no more should come until resume()
   */
  output(stream: OutputStream, data: Buffer, position: bigint, release?: () => void): boolean;
  /** The job has ended with more output than was asked for. So much there was of each stream, in bytes. */
  passedOver?(stdout: number, stderr: number): void;
}

/** What one who follows a job wants of its output; all of it unless given. */
export interface OutputWish {
  /** Pieces that begin there or later do not come, and passedOver() tells how much there was. A monitor of an earlier version sends them all the same. */
  readonly upToInBytes?: number | undefined;
  /** Only that stream's; a monitor of an earlier version sends both. */
  readonly only?: OutputStream | undefined;
}

/** A job whose output and end are being followed. */
export interface FollowedJob<Exit = JobExit> {
  /** Settles after the last piece of output was handed to the sink; rejects when the monitor is gone, or after close(). */
  readonly exit: Promise<Exit>;
  /** What the container used when the job's end was told, as far as the monitor has told it; undefined before, and of monitors that do not. */
  usage?(): UsageTexts | undefined;
  /** Lets output come again after the sink answered false. */
  resume(): void;
  /** Stops following. The job goes on. Behind its end this and resume() do nothing. */
  close(): void;
}

/** Which part of a job's output is wanted. */
export interface OutputRange {
  /** Where to begin in the output of both streams together, in bytes. */
  readonly position: bigint;
  /** Until the job has ended; else up to what there is now. */
  readonly follow: boolean;
}

/** Input on its way to a job. */
export interface InputWrite {
  /** Settles when the job's pipe or terminal has taken all of it; rejects when it cannot, or after giveUp(). */
  readonly taken: Promise<void>;
  /** The rest is not written. */
  giveUp(): void;
}

export interface JobRecord {
  readonly jobId: number;
  /** Undefined while it runs. */
  readonly exit: JobExit | undefined;
  /** Of both streams together. */
  readonly outputBytes: bigint;
  /** Milliseconds since 1970. */
  readonly startedMs: bigint | undefined;
  /** Milliseconds since 1970; undefined while it runs. */
  readonly endedMs: bigint | undefined;
  /** As the container sees it. */
  readonly pid: number | undefined;
  readonly command: string | undefined;
}

export type MonitorEvent =
  | { readonly kind: 'output_limit'; readonly jobId: number }
  /** The OOM killer took a process of the container. */
  | { readonly kind: 'out_of_memory' }
  | { readonly kind: 'job_timed_out'; readonly jobId: number }
  | { readonly kind: 'job_ended'; readonly jobId: number; readonly exit: JobExit }
  | { readonly kind: 'rlimit_clamped'; readonly jobId: number; readonly resource: number; readonly hard: bigint }
  | { readonly kind: 'record_failed'; readonly jobId: number; readonly errno: number }
  | { readonly kind: 'init_died'; readonly status: number };

/** What a container is called. */
export interface ContainerName {
  /** In the title of PID 1; at most 256 bytes. */
  readonly handle: string;
  readonly hostname: string;
  /** Those that say it: they are there. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

export interface Monitor {
  /** Calls a container in which nothing runs otherwise than it was made. */
  rename(name: ContainerName): Promise<void>;
  /** Starts a job; settles when its process runs. */
  spawn(job: JobDescription): Promise<void>;
  /**
   * Starts a job and follows it from its first byte, in one message.
   * @param upToInBytes with its end the job is forgotten, unless it has more output, which then does not come: OutputWish; forget() is to be called
   */
  spawnFollowed(job: JobDescription, sink: OutputSink, upToInBytes: number): Promise<FollowedJob>;
  /** Follows a job from its first byte of output. */
  follow(jobId: number, sink: OutputSink, wish?: OutputWish): Promise<FollowedJob>;
  /**
   * Reads a job's output; its end is undefined when the job still runs.
   * @throws WardenError not_found; invalid_argument when the position is beyond the end of the output
   */
  readOutput(jobId: number, range: OutputRange, sink: OutputSink): Promise<FollowedJob<JobExit | undefined>>;
  /**
   * Writes to a job's standard input, and then ends it when `close`. What several callers write is not mixed.
   * It rejects with not_found, and with wrong_state when the job does not read, or was started without open input.
   */
  writeInput(jobId: number, data: Uint8Array, close: boolean): InputWrite;
  /** Sets the size of a job's terminal. @throws WardenError not_found, wrong_state when it has none */
  resize(jobId: number, rows: number, columns: number): Promise<void>;
  /** Sends a signal to every process of one job. @throws WardenError not_found */
  signalJob(jobId: number, signal: number): Promise<void>;
  /** Drops an ended job's record and output. */
  forget(jobId: number): Promise<void>;
  /** Begins work on the container's files. */
  transfer(order: TransferOrder, sink: TransferSink): Transfer;
  list(): Promise<JobRecord[]>;
  /** The uid of vcap in its container; undefined: a monitor of an earlier version, which does not tell. */
  vcapUid(): Promise<number | undefined>;
  /** Whether the monitor is dead, asked over a new connection: those that are open may not have noticed. Never rejects. */
  isGone(): Promise<boolean>;
  /** Sends a signal to every process but PID 1, and settles when there is none and every job has ended. @throws WardenError timeout */
  endAll(signal: number, deadlineMs: number): Promise<void>;
  /**
   * Calls `receive` for every event of the container there was, each different one once, and then for every event from now on;
   * `lost` once when the monitor is gone, unless close() was called. Settles when watching has begun; rejects with the code
   * canceled when close() was called first.
   * @throws BeingDestroyed
   */
  watch(receive: (event: MonitorEvent) => void, lost: () => void): Promise<void>;
  /**
   * Kills every process, removes the cgroups and ends the monitor. Whoever follows a job or watches hears nothing from then on until close().
   * @throws ProcessesLeft with ifEmpty; MountsLeft
   */
  destroy(deadlineMs: number, order?: DestroyOrder): Promise<void>;
  /** Closes every connection, soon; the monitor and its container live on. */
  close(): void;
}

/** Opens the way to a container's monitor; nothing is sent before the first request. */
export interface Monitors {
  /** @param isFound it was there before this server: its programs may be those of an earlier one */
  open(containerId: string, isFound?: boolean): Monitor;
}
