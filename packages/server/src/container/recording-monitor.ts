/** The monitor of one container of the machine in memory. Tests end its jobs and write their output. */
import { constants } from 'node:os';
import { WardenError } from 'warden-protocol';
import { BeingDestroyed, ProcessesLeft, type DestroyOrder, type ContainerName, type FollowedJob, type InputWrite, type JobDescription, type JobExit, type JobRecord, type MonitorEvent, type OutputRange, type OutputSink, type OutputStream, type OutputWish } from '../host/monitor.js';
import type { Clock } from '../lib/timer.js';
import type { TransferOrder, TransferSink } from '../host/transfer.js';
import type { RecordingHost } from './recording-host.js';
import { RecordingTransfer } from './recording-transfer.js';

interface RecordedJob {
  readonly description: JobDescription;
  readonly output: [OutputStream, Buffer][];
  /** What was written to its standard input, and whether that was ended. */
  readonly input: { text: string; closed: boolean };
  readonly followers: Set<{ sink: OutputSink; settle: (exit: JobExit) => void; fail: (error: WardenError) => void }>;
  exit: JobExit | undefined;
  /** With its end its first follower is told that it is forgotten, unless it has more output. */
  readonly forgetUpToInBytes: number | undefined;
  starter: object | undefined;
}

export class RecordingMonitor {
  readonly jobs = new Map<number, RecordedJob>();
  readonly signals: number[] = [];
  /** An earlier server has asked for the destroy. */
  destroying = false;
  /** Jobs do not end at SIGTERM. */
  stubborn = false;
  /** Processes of no job are there. */
  hasLeftovers = false;
  /** Signals to single jobs: id and number. */
  readonly jobSignals: [number, number][] = [];
  /** Sizes that terminals were given: id, rows and columns. */
  readonly resized: [number, number, number][] = [];
  readonly transfers: RecordingTransfer[] = [];
  /** What its container was called, one after the other. */
  readonly names: ContainerName[] = [];
  /** Jobs do not read their input. */
  deaf = false;
  readonly #watchers: { receive: (event: MonitorEvent) => void; lost: () => void }[] = [];
  /** What a new watcher is told first: what happened to the container, each different event once. */
  readonly #kept = new Map<string, MonitorEvent>();
  #waiters: (() => void)[] = [];

  constructor(
    private readonly host: RecordingHost,
    private readonly id: string,
    readonly vcapUid: number | undefined = undefined,
  ) {}

  spawn(description: JobDescription, forgetUpToInBytes?: number): void {
    this.jobs.set(description.jobId, { forgetUpToInBytes, starter: undefined, description, output: [], input: { text: '', closed: false }, followers: new Set(), exit: undefined });
  }

  follow(jobId: number, wanted: OutputSink, wish: OutputWish = {}): FollowedJob {
    const job = this.#job(jobId);
    const sink = wishedFor(wanted, wish);
    const settleExit = (exit: JobExit): void => {
      if (wish.upToInBytes !== undefined && sizeOf(job) > BigInt(wish.upToInBytes)) wanted.passedOver?.(sizeOfStream(job, 'stdout'), sizeOfStream(job, 'stderr'));
      settle(exit);
    };
    this.#replay(job, 0n, sink);
    let settle!: (exit: JobExit) => void;
    let fail!: (error: WardenError) => void;
    const exit = new Promise<JobExit>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    exit.catch(() => undefined);
    const follower = { sink, settle: settleExit, fail };
    job.starter ??= follower;
    if (job.exit === undefined) job.followers.add(follower);
    else settleExit(job.exit);
    return {
      exit,
      resume: () => undefined,
      close: () => {
        job.followers.delete(follower);
        fail(new WardenError('unavailable', 'closed'));
      },
    };
  }

  readOutput(jobId: number, { position, follow }: OutputRange, sink: OutputSink): FollowedJob<JobExit | undefined> {
    const job = this.#job(jobId);
    if (position > sizeOf(job)) throw new WardenError('invalid_argument', `position ${position} is beyond the end`);
    if (follow) return this.follow(jobId, { output: (stream, data, at) => deliver(sink, position, stream, data, at) });
    this.#replay(job, position, sink);
    return { exit: Promise.resolve(job.exit), resume: () => undefined, close: () => undefined };
  }

  writeInput(jobId: number, data: Uint8Array, close: boolean): InputWrite {
    const job = this.#job(jobId);
    let giveUp = (): void => undefined;
    if (this.deaf) {
      const taken = new Promise<void>((_, reject) => {
        giveUp = () => reject(new WardenError('unavailable', 'given up'));
      });
      return { taken, giveUp };
    }
    job.input.text += Buffer.from(data).toString();
    job.input.closed ||= close;
    return { taken: Promise.resolve(), giveUp };
  }

  resize(jobId: number, rows: number, columns: number): void {
    if (this.#job(jobId).description.terminal === undefined) throw new WardenError('wrong_state', 'no terminal');
    this.resized.push([jobId, rows, columns]);
  }

  signalJob(jobId: number, signal: number): void {
    this.#job(jobId);
    this.jobSignals.push([jobId, signal]);
  }

  forget(jobId: number): void {
    if (this.#job(jobId).exit === undefined) throw new WardenError('internal', 'EBUSY');
    this.jobs.delete(jobId);
  }

  transfer(order: TransferOrder, sink: TransferSink): RecordingTransfer {
    const transfer = new RecordingTransfer(order, sink);
    this.transfers.push(transfer);
    return transfer;
  }

  list(): JobRecord[] {
    return Array.from(this.jobs, ([jobId, job]) => ({
      jobId,
      exit: job.exit,
      outputBytes: sizeOf(job),
      startedMs: 1_700_000_000_000n,
      endedMs: job.exit === undefined ? undefined : 1_700_000_001_500n,
      pid: 100 + jobId,
      command: job.description.command,
    }));
  }

  signalAll(signal: number): void {
    this.signals.push(signal);
    if (this.stubborn && signal !== constants.signals.SIGKILL) return;
    for (const jobId of this.jobs.keys()) this.end(jobId, { kind: 'signalled', signal });
  }

  awaitEmpty(clock: Clock, deadlineMs: number): Promise<void> {
    if (this.#isEmpty()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(deadlineMs, () => reject(new WardenError('timeout', 'processes were left')));
      this.#waiters.push(() => {
        cancel();
        resolve();
      });
    });
  }

  watch(receive: (event: MonitorEvent) => void, lost: () => void): void {
    if (this.destroying) throw new BeingDestroyed();
    this.#watchers.push({ receive, lost });
    for (const event of this.#kept.values()) receive(event);
  }

  destroy({ ifEmpty = false, dead }: DestroyOrder = {}): void {
    if (ifEmpty && (this.hasLeftovers || !this.#isEmpty())) throw new ProcessesLeft();
    dead?.();
    this.host.groups.delete(this.id);
    this.host.living.delete(this.id);
    this.host.destroyed.add(this.id);
    this.die();
  }

  /** Everything of it is gone, connections included. */
  die(): void {
    this.dieSilently();
    for (const { lost } of this.#watchers.splice(0)) lost();
  }

  /** The same, and the connection that watches has not noticed it yet. */
  dieSilently(): void {
    for (const job of this.jobs.values()) {
      for (const follower of job.followers) follower.fail(new WardenError('unavailable', 'the monitor is gone'));
      job.followers.clear();
    }
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  write(jobId: number, stream: OutputStream, text: string): void {
    const job = this.#job(jobId);
    const data = Buffer.from(text);
    const position = sizeOf(job);
    job.output.push([stream, data]);
    for (const { sink } of job.followers) sink.output(stream, data, position);
  }

  end(jobId: number, exit: JobExit): void {
    const job = this.#job(jobId);
    if (job.exit !== undefined) return;
    job.exit = exit;
    const forgotten = [...job.followers].some((follower) => follower === job.starter) && job.forgetUpToInBytes !== undefined && sizeOf(job) <= job.forgetUpToInBytes;
    for (const follower of job.followers) follower.settle(forgotten && follower === job.starter ? { ...exit, forgotten } : exit);
    job.followers.clear();
    if (forgotten) this.jobs.delete(jobId);
    this.emit({ kind: 'job_ended', jobId, exit });
    if (this.#isEmpty()) for (const waiter of this.#waiters.splice(0)) waiter();
  }

  emit(event: MonitorEvent): void {
    const key = keyOf(event);
    if (key !== undefined && !this.#kept.has(key)) this.#kept.set(key, event);
    for (const { receive } of this.#watchers) receive(event);
  }

  #replay(job: RecordedJob, from: bigint, sink: OutputSink): void {
    let position = 0n;
    for (const [stream, data] of job.output) {
      deliver(sink, from, stream, data, position);
      position += BigInt(data.length);
    }
  }

  #isEmpty(): boolean {
    return [...this.jobs.values()].every(({ exit }) => exit !== undefined);
  }

  #job(jobId: number): RecordedJob {
    const job = this.jobs.get(jobId);
    if (job === undefined) throw new WardenError('not_found', `the monitor has no job ${jobId}`);
    return job;
  }
}

/** What makes an event of the container a different one; undefined: it is one of a job. */
function keyOf(event: MonitorEvent): string | undefined {
  if (event.kind === 'rlimit_clamped') return `rlimit ${event.resource} ${event.hard}`;
  return event.kind === 'output_limit' || event.kind === 'job_timed_out' || event.kind === 'out_of_memory' || event.kind === 'init_died' ? event.kind : undefined;
}

function sizeOf({ output }: RecordedJob): bigint {
  return output.reduce((sum, [, data]) => sum + BigInt(data.length), 0n);
}

function sizeOfStream({ output }: RecordedJob, stream: OutputStream): number {
  return output.reduce((sum, [from, data]) => (from === stream ? sum + data.length : sum), 0);
}

/** Takes only what is wished for. */
function wishedFor(sink: OutputSink, { upToInBytes, only }: OutputWish): OutputSink {
  return {
    output(stream, data, position) {
      if (only !== undefined && stream !== only) return true;
      return (upToInBytes !== undefined && position >= BigInt(upToInBytes)) || sink.output(stream, data, position);
    },
  };
}

/** The part of a piece at `at` that lies behind `from`. */
function deliver(sink: OutputSink, from: bigint, stream: OutputStream, data: Buffer, at: bigint): boolean {
  const cut = from > at ? Number(from - at) : 0;
  return cut >= data.length || sink.output(stream, data.subarray(cut), at + BigInt(cut));
}
