/** A container's monitor over its unix socket: requests, followed jobs, events. Idle connections are used again. */
import { constants } from 'node:os';
import { join } from 'node:path';
import { WardenError, type ErrorCode } from 'warden-protocol';
import type { Log } from '../../lib/log.js';
import { startTimer, type Clock } from '../../lib/timer.js';
import { BeingDestroyed, InitDead, MonitorGone, MountsLeft, ProcessesLeft, type DestroyOrder, type ContainerName, type FollowedJob, type InputWrite, type JobDescription, type JobExit, type JobRecord, type Monitor, type MonitorEvent, type Monitors, type OutputRange, type OutputSink, type OutputWish } from '../monitor.js';
import { FollowWish } from './follow-wish.js';
import { readEnd, readExit, readRecord, readUsage, writeJob } from './job-messages.js';
import { readEvent } from './monitor-events.js';
import { firstAnswerMs, LinuxTransfer } from './transfer.js';
import { IdleConnections } from './idle-connections.js';
import { LateClosing } from './late-closing.js';
import { giveBack, MonitorConnection } from './monitor-connection.js';
import type { UsageTexts } from '../statistics.js';
import type { Transfer, TransferOrder, TransferSink } from '../transfer.js';
import { StepError } from './step-error.js';
import { FrameType, StreamNumber, Tag } from './wire.js';
import { Attributes, FrameWriter, type Frame } from './wire-codec.js';

const requestDeadlineMs = 30_000;
/** A create waits for it, and can have another container made. */
const renameDeadlineMs = 2000;
/** Idle connections that are kept for one container. */
const idleLimit = 2;
/** And for all together. */
const idleLimitOfAll = 64;
/** Bytes before the data of an OUTPUT frame: u64 position, u32 stream. */
const outputHeaderSize = 12;

/** What a monitor answers while it destroys its container; node:os does not know the number. */
const ESHUTDOWN = 108;

/** How often and with what pause a monitor that broke off is asked whether it lives. */
const goneAttempts = 50;
const gonePauseMs = 10;

interface RequestOptions {
  /** Null: the answer may take as long as it likes. */
  readonly deadlineMs?: number | null;
  readonly lateMessage?: string;
  /** For DEAD, which comes before the answer. */
  readonly dead?: (() => void) | undefined;
  readonly connection?: MonitorConnection;
}

function noAnswer(deadlineMs: number): string {
  return `no answer from the container's monitor within ${deadlineMs / 1000} s`;
}

/** Makes of a monitor's error what a client can act on: the code and text for its number. For catch(). */
function explain(jobId: number, faults: Readonly<Record<number, readonly [ErrorCode, string]>>): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof StepError)) throw error;
    if (error.errno === constants.errno.ENOENT) throw new WardenError('not_found', 'no such job', { cause: error });
    const [code, message] = faults[error.errno] ?? [error.code, `job ${jobId}: ${error.message}`];
    throw new WardenError(code, message, { cause: error });
  };
}

export class LinuxMonitors implements Monitors {
  readonly #idle = new IdleConnections(idleLimitOfAll);
  readonly #followWish = new FollowWish();
  readonly #closing: LateClosing;

  constructor(
    private readonly socketPathOf: (containerId: string) => string,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#closing = new LateClosing(clock);
  }

  open(containerId: string, isFound = false): Monitor {
    return new LinuxMonitor(this.socketPathOf(containerId), this.#idle, this.#closing, this.#followWish, this.clock, this.log, isFound);
  }
}

/** Where a monitor listens, below its container's directory. */
export function monitorSocketPath(containerDirectory: string): string {
  return join(containerDirectory, 'run', 'monitor.sock');
}

class LinuxMonitor implements Monitor {
  readonly #open = new Set<MonitorConnection>();
  readonly #idle: MonitorConnection[] = [];
  #closed = false;

  constructor(
    private readonly socketPath: string,
    private readonly idleOfAll: IdleConnections,
    private readonly closing: LateClosing,
    private readonly followWish: FollowWish,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly isFound: boolean,
  ) {}

  async rename({ handle, hostname, files }: ContainerName): Promise<void> {
    const writer = new FrameWriter().text(Tag.handle, handle).text(Tag.hostname, hostname);
    for (const { path, content } of files) writer.nested(Tag.upperFile, (file) => file.text(Tag.path, path).bytes(Tag.content, Buffer.from(content)));
    await this.#request(writer.frame(FrameType.name), { deadlineMs: renameDeadlineMs });
  }

  async spawn(job: JobDescription): Promise<void> {
    await this.#request(writeJob(new FrameWriter(), job).frame(FrameType.spawn));
  }

  spawnFollowed(job: JobDescription, sink: OutputSink, upToInBytes: number): Promise<FollowedJob> {
    return this.#follow(writeJob(new FrameWriter(), job).raw(this.followWish.attributes(upToInBytes)).frame(FrameType.spawn), sink, readEnd);
  }

  follow(jobId: number, sink: OutputSink, { upToInBytes, only }: OutputWish = {}): Promise<FollowedJob> {
    const writer = new FrameWriter().u32(Tag.jobId, jobId).u64(Tag.position, 0n);
    if (upToInBytes !== undefined) writer.u64(Tag.outputUpTo, BigInt(upToInBytes));
    if (only !== undefined) writer.u32(Tag.onlyStream, StreamNumber[only]);
    return this.#follow(writer.frame(FrameType.follow), sink, readEnd);
  }

  async readOutput(jobId: number, { position, follow }: OutputRange, sink: OutputSink): Promise<FollowedJob<JobExit | undefined>> {
    const writer = new FrameWriter().u32(Tag.jobId, jobId).u64(Tag.position, position);
    if (!follow) writer.u32(Tag.noWait, 1);
    const fault = explain(jobId, { [constants.errno.EINVAL]: ['invalid_argument', `byte ${position} is beyond the end of the output of job ${jobId}`] });
    return this.#follow(writer.frame(FrameType.follow), sink, readExit).catch(fault);
  }

  writeInput(jobId: number, data: Uint8Array, close: boolean): InputWrite {
    const writer = new FrameWriter().u32(Tag.jobId, jobId);
    if (data.length > 0) writer.bytes(Tag.content, data);
    if (close) writer.u32(Tag.closeInput, 1);
    const connection = this.#take();
    // Without a deadline: the job reads when it likes. Closing the connection is how the rest is given up.
    const taken = this.#request(writer.frame(FrameType.input), { connection, deadlineMs: null }).then(() => undefined, explain(jobId, {
      [constants.errno.EPIPE]: ['wrong_state', `job ${jobId} reads no input any more`],
      [constants.errno.EINVAL]: ['wrong_state', `job ${jobId} has no open input: it was started without stdin and tty`],
    }));
    let pending = true;
    const done = (): void => void (pending = false);
    taken.then(done, done);
    return {
      taken,
      giveUp() {
        if (pending) connection.close();
      },
    };
  }

  async resize(jobId: number, rows: number, columns: number): Promise<void> {
    const frame = new FrameWriter().u32(Tag.jobId, jobId).u32(Tag.rows, rows).u32(Tag.columns, columns).frame(FrameType.resize);
    await this.#request(frame).catch(explain(jobId, { [constants.errno.EINVAL]: ['wrong_state', `job ${jobId} has no terminal: it was started without tty`] }));
  }

  async signalJob(jobId: number, signal: number): Promise<void> {
    await this.#request(new FrameWriter().u32(Tag.jobId, jobId).u32(Tag.signal, signal).frame(FrameType.killJob)).catch(explain(jobId, {}));
  }

  async forget(jobId: number): Promise<void> {
    await this.#request(new FrameWriter().u32(Tag.jobId, jobId).frame(FrameType.forget));
  }

  transfer(order: TransferOrder, sink: TransferSink): Transfer {
    const transfer = new LinuxTransfer(this.#connect(), order, sink);
    const cancelTimer = startTimer(this.clock, firstAnswerMs, () => transfer.fail(new WardenError('timeout', noAnswer(firstAnswerMs))));
    transfer.opened.then(cancelTimer, cancelTimer);
    return transfer;
  }

  async list(): Promise<JobRecord[]> {
    const reply = await this.#request(new FrameWriter().frame(FrameType.list));
    return reply.nested(Tag.job).map(readRecord);
  }

  async vcapUid(): Promise<number | undefined> {
    return (await this.#request(new FrameWriter().frame(FrameType.list))).u32(Tag.uid);
  }

  async isGone(): Promise<boolean> {
    for (let attempt = 0; attempt < goneAttempts; attempt++) {
      try {
        await this.#request(new FrameWriter().frame(FrameType.list), { connection: this.#connect() });
        return false;
      } catch (error) {
        if (error instanceof MonitorGone) return true;
        if (error instanceof StepError || error instanceof InitDead || (error instanceof WardenError && error.code === 'timeout')) return false;
        // A process that is being ended closes its descriptors one after the other; the listening one may be the last.
        await new Promise<void>((resolve) => void this.clock.schedule(gonePauseMs, resolve));
      }
    }
    return false;
  }

  async endAll(signal: number, deadlineMs: number): Promise<void> {
    const late = { deadlineMs, lateMessage: `processes were left after ${deadlineMs / 1000} s` };
    const signalled = (): FrameWriter => new FrameWriter().u32(Tag.signal, signal);
    if (!this.isFound) {
      await this.#request(signalled().frame(FrameType.awaitEmpty), late);
      return;
    }
    // A monitor of an earlier server's waits only, and passes over the signal that the request has beside it.
    await Promise.all([this.#request(signalled().frame(FrameType.signalAll)), this.#request(new FrameWriter().frame(FrameType.awaitEmpty), late)]);
  }

  watch(receive: (event: MonitorEvent) => void, lost: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let watching = false;
      const connection = this.#connect();
      const cancelTimer = startTimer(this.clock, requestDeadlineMs, () => {
        reject(new WardenError('timeout', noAnswer(requestDeadlineMs)));
        connection.close();
      });
      connection.send(new FrameWriter().frame(FrameType.watch), {
        frame: (frame) => {
          if (watching) {
            if (frame.type === FrameType.event) this.#receiveEvent(new Attributes(frame.body), receive);
            return;
          }
          cancelTimer();
          const failure = failureOf(frame);
          if (failure !== undefined) {
            reject(failure instanceof StepError && failure.errno === ESHUTDOWN ? new BeingDestroyed(failure) : failure);
            connection.close();
            return;
          }
          watching = true;
          resolve();
        },
        closed: (error) => {
          cancelTimer();
          if (!watching) reject(this.#closed ? new WardenError('canceled', 'the way to the monitor was closed') : error);
          else if (!this.#closed) lost();
        },
      });
    });
  }

  /** A monitor of a later build may report what this server has no use for. */
  #receiveEvent(attributes: Attributes, receive: (event: MonitorEvent) => void): void {
    const event = readEvent(attributes);
    if (event !== undefined) receive(event);
    else this.log.warn({ socket: this.socketPath, event: attributes.u32(Tag.event) }, 'ignoring an event that this version does not know');
  }

  async destroy(deadlineMs: number, { ifEmpty = false, dead }: DestroyOrder = {}): Promise<void> {
    // One of an earlier build would pass over the condition.
    if (ifEmpty && this.isFound) throw new ProcessesLeft();
    const writer = new FrameWriter();
    if (ifEmpty) writer.u32(Tag.ifEmpty, 1);
    if (dead !== undefined) writer.u32(Tag.tellDead, 1);
    let isBegun = false;
    const begun = (): void => {
      isBegun = true;
      dead?.();
    };
    try {
      await this.#request(writer.frame(FrameType.destroy), { deadlineMs, lateMessage: `processes could not be killed within ${deadlineMs / 1000} s`, dead: begun });
    } catch (error) {
      if (error instanceof StepError && error.step === 'unmount') throw new MountsLeft(error);
      // A cgroup that cannot be removed is EBUSY, too.
      throw ifEmpty && !isBegun && error instanceof StepError && error.errno === constants.errno.EBUSY ? new ProcessesLeft(error) : error;
    }
    // It ends now, and whoever waits for the destroy is not to wait until that has been taken note of.
    for (const connection of this.#open) connection.pause();
  }

  close(): void {
    this.#closed = true;
    this.closing.add(this.#open);
  }

  #connect(): MonitorConnection {
    const connection = new MonitorConnection(this.socketPath, (closed) => {
      this.#open.delete(closed);
      this.idleOfAll.remove(closed);
      const index = this.#idle.indexOf(closed);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    this.#open.add(connection);
    return connection;
  }

  #take(): MonitorConnection {
    const connection = this.#idle.pop();
    if (connection === undefined || !connection.usable) return this.#connect();
    this.idleOfAll.remove(connection);
    return connection;
  }

  #giveBack(connection: MonitorConnection): void {
    connection.release();
    if (this.#idle.length >= idleLimit) {
      connection.close();
      return;
    }
    this.#idle.push(connection);
    this.idleOfAll.add(connection);
  }

  /** One request, one reply. */
  #request(request: Buffer, { deadlineMs = requestDeadlineMs, lateMessage, dead, connection = this.#take() }: RequestOptions = {}): Promise<Attributes> {
    return new Promise((resolve, reject) => {
      let cancelTimer: (() => void) | undefined;
      let failed = false;
      connection.send(request, {
        frame: (frame) => {
          if (dead !== undefined && frame.type === FrameType.dead) {
            dead();
            return;
          }
          cancelTimer?.();
          this.#giveBack(connection);
          const failure = failureOf(frame);
          if (failure === undefined) resolve(new Attributes(frame.body));
          else reject(failure);
        },
        closed: (error) => {
          failed = true;
          cancelTimer?.();
          reject(error);
        },
      });
      if (failed || deadlineMs === null) return;
      // Behind the sending, which the monitor waits for.
      cancelTimer = startTimer(this.clock, deadlineMs, () => {
        reject(new WardenError('timeout', lateMessage ?? noAnswer(deadlineMs)));
        connection.close();
      });
    });
  }

  /** A request that goes on with output and an exit after its reply. */
  #follow<Exit>(request: Buffer, sink: OutputSink, readExitOf: (attributes: Attributes) => Exit): Promise<FollowedJob<Exit>> {
    return new Promise((resolve, reject) => {
      const connection = this.#take();
      let settleExit!: (exit: Exit) => void;
      let failExit!: (error: WardenError) => void;
      const exit = new Promise<Exit>((resolveExit, rejectExit) => {
        settleExit = resolveExit;
        failExit = rejectExit;
      });
      // A follower that is closed before anybody waits for the exit is no unhandled rejection.
      exit.catch(() => undefined);
      let cancelTimer: (() => void) | undefined;
      let failed = false;
      let started = false;
      // From then on the connection may be somebody else's.
      let ended = false;
      let usage: UsageTexts | undefined;
      connection.send(request, {
        frame: (frame) => {
          if (!started) {
            cancelTimer?.();
            const failure = failureOf(frame);
            if (failure !== undefined) {
              this.#giveBack(connection);
              reject(failure);
              return;
            }
            started = true;
            resolve({ exit, usage: () => usage, resume: () => void (ended || connection.resume()), close: () => void (ended || connection.close()) });
          } else if (frame.type === FrameType.output) {
            const stream = frame.body.readUInt32LE(8) === StreamNumber.stderr ? 'stderr' : 'stdout';
            if (!sink.output(stream, frame.body.subarray(outputHeaderSize), frame.body.readBigUInt64LE(0), () => giveBack(frame))) connection.pause();
          } else if (frame.type === FrameType.exit) {
            ended = true;
            this.#giveBack(connection);
            const attributes = new Attributes(frame.body);
            const [stdout, stderr] = [attributes.u64(Tag.stdoutBytes), attributes.u64(Tag.stderrBytes)];
            if (stdout !== undefined && stderr !== undefined) sink.passedOver?.(Number(stdout), Number(stderr));
            usage = readUsage(attributes);
            settleExit(readExitOf(attributes));
          }
        },
        closed: (error) => {
          failed = true;
          cancelTimer?.();
          if (started) failExit(error);
          else reject(error);
        },
      });
      if (failed) return;
      // Behind the sending, which the monitor waits for.
      cancelTimer = startTimer(this.clock, requestDeadlineMs, () => {
        reject(new WardenError('timeout', `the container's monitor did not start the job within ${requestDeadlineMs / 1000} s`));
        connection.close();
      });
    });
  }
}

function failureOf(frame: Frame): WardenError | undefined {
  if (frame.type === FrameType.ok) return undefined;
  if (frame.type === FrameType.error) {
    const error = new StepError(new Attributes(frame.body));
    return error.errno === constants.errno.ESRCH ? new InitDead(error.message, error) : error;
  }
  return new WardenError('protocol', `the container's monitor answered with a frame of type ${frame.type}`);
}
