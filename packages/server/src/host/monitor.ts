/** A container's monitor, as the container code needs it: jobs, signals, events. */

import { WardenError } from 'warden-protocol';

/** Nobody listens on the monitor's socket: it is dead, and with it every process of its container. */
export class MonitorGone extends WardenError {
  override readonly name = 'MonitorGone';

  constructor(message: string) {
    super('unavailable', message);
  }
}

/** The container is being destroyed already: an earlier server has asked for it, or another request. */
export class BeingDestroyed extends WardenError {
  override readonly name = 'BeingDestroyed';

  constructor(cause?: unknown) {
    super('unavailable', 'the container is being destroyed', { cause });
  }
}

/** How a job ended; lost: nobody can know any more. */
export type JobExit = (
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: number }
  | { readonly kind: 'lost' }
) & {
  /** Not all of its output was kept. */
  readonly outputCut?: true;
};

export interface JobRlimit {
  /** Number of setrlimit(2)'s resource. */
  readonly resource: number;
  readonly soft: bigint;
  readonly hard: bigint;
}

export interface JobDescription {
  readonly jobId: number;
  readonly argv: readonly string[];
  /** NAME=value */
  readonly environment: readonly string[];
  /** The job's standard input. */
  readonly script: Uint8Array;
  readonly workingDirectory: string;
  readonly uid: number;
  readonly gid: number;
  readonly privileged: boolean;
  readonly rlimits: readonly JobRlimit[];
  readonly outputLimitInBytes: bigint;
  /** Keep no output. */
  readonly discard: boolean;
}

export type OutputStream = 'stdout' | 'stderr';

/** Takes a job's output. */
export interface OutputSink {
  /**
   * A piece of output, the sink's to keep.
   * @returns false when no more should come until resume()
   */
  output(stream: OutputStream, data: Buffer): boolean;
}

/** A job whose output and end are being followed. */
export interface FollowedJob {
  /** Settles after the last piece of output was handed to the sink; rejects when the monitor is gone, or after close(). */
  readonly exit: Promise<JobExit>;
  /** Lets output come again after the sink answered false. */
  resume(): void;
  /** Stops following. The job goes on. */
  close(): void;
}

export interface JobRecord {
  readonly jobId: number;
  /** Undefined while it runs. */
  readonly exit: JobExit | undefined;
}

export type MonitorEvent =
  | { readonly kind: 'output_limit'; readonly jobId: number }
  | { readonly kind: 'job_ended'; readonly jobId: number; readonly exit: JobExit }
  | { readonly kind: 'rlimit_clamped'; readonly jobId: number; readonly resource: number; readonly hard: bigint }
  | { readonly kind: 'record_failed'; readonly jobId: number; readonly errno: number }
  | { readonly kind: 'init_died'; readonly status: number };

export interface Monitor {
  /** Starts a job; settles when its process runs. */
  spawn(job: JobDescription): Promise<void>;
  /** Starts a job and follows it from its first byte, in one message. */
  spawnFollowed(job: JobDescription, sink: OutputSink): Promise<FollowedJob>;
  /** Follows a job from its first byte of output. */
  follow(jobId: number, sink: OutputSink): Promise<FollowedJob>;
  /** Drops an ended job's record and output. */
  forget(jobId: number): Promise<void>;
  list(): Promise<JobRecord[]>;
  /** The uid of vcap in its container; undefined: a monitor of an earlier version, which does not tell. */
  vcapUid(): Promise<number | undefined>;
  /** Whether the monitor is dead, asked over a new connection: those that are open may not have noticed. Never rejects. */
  isGone(): Promise<boolean>;
  /** Sends a signal to every process but PID 1. */
  signalAll(signal: number): Promise<void>;
  /** Settles when there is no process but PID 1 and every job has ended. */
  awaitEmpty(deadlineMs: number): Promise<void>;
  /**
   * Calls `receive` for every event of the container there was, each different one once, and then for every event from now on;
   * `lost` once when the monitor is gone, unless close() was called. Settles when watching has begun.
   * @throws BeingDestroyed
   */
  watch(receive: (event: MonitorEvent) => void, lost: () => void): Promise<void>;
  /** Kills every process, removes the cgroups and ends the monitor. */
  destroy(deadlineMs: number): Promise<void>;
  /** Closes every connection; the monitor and its container live on. */
  close(): void;
}

/** Opens the way to a container's monitor; nothing is sent before the first request. */
export interface Monitors {
  open(containerId: string): Monitor;
}
