// A container, as a program uses it.
import { type InfoResponse, type Terminal, WardenError } from 'warden-protocol';
import type { CallOptions } from '../cancellation.js';
import type { JobResult, WardenClient } from '../client.js';
import type { BoxConnections } from './box-connections.js';
import { type Command, type Input, type JobOptions, jobRequest, RunError, type RunOptions, RunResult } from './command.js';
import { BoxFiles } from './files.js';
import { Job } from './job.js';
import { type Limits, type LimitsInForce, readLimits, setLimits } from './limits.js';
import { BoxNetwork, type ExposedPort, type ExposeOptions } from './network.js';
import { type BoxProcess, processOf } from './processes.js';
import { templateArguments, type TemplateValue } from './template.js';
import { type WaitFor, waitForLine, waitForPort } from './wait-for.js';

export interface SpawnOptions extends JobOptions {
  /** What the job reads; true keeps its input open for job.stdin. */
  readonly stdin?: boolean | Input | undefined;
  /** A terminal of its own. */
  readonly tty?: Terminal | undefined;
}

/** box.$`…`: runs a script in which values are safe; rejects with a RunError unless it ends with status 0. */
export interface Shell {
  (parts: TemplateStringsArray, ...values: TemplateValue[]): Promise<RunResult>;
  /** The same with options. */
  (options: RunOptions): Shell;
}

const KILL = 9;

/** A container: what runs in it, what it may use and reach, and its end. Made by `warden.create()` and `warden.get()`. */
export class Box {
  readonly handle: string;
  readonly network: BoxNetwork;
  readonly files: BoxFiles;
  readonly $: Shell;
  readonly #connections: BoxConnections;
  #owned: boolean;
  #lastJob: Job | undefined;

  /** @internal Made by Warden. */
  constructor(connections: BoxConnections, handle: string, owned: boolean) {
    this.#connections = connections;
    this.#owned = owned;
    this.handle = handle;
    this.network = new BoxNetwork(connections, handle);
    this.files = new BoxFiles(connections, handle);
    this.$ = shellOf((command, options) => this.run(command, options), { check: true });
  }

  /** The promise client behind it, for requests that have no method here. It answers one after the other. */
  get client(): WardenClient {
    return this.#connections.first;
  }

  /** Runs a command to its end. Rejects with a RunError only with `check`. */
  async run(command: Command, options: RunOptions = {}): Promise<RunResult> {
    const { stdin, check = false, signal } = options;
    if (signal?.aborted === true) throw canceled(signal);
    const result = new RunResult(stdin === undefined && signal === undefined
      ? await this.#connections.alone((client) => client.run(jobRequest(this.handle, command, options)))
      : await this.#runWatched(command, options, stdin, signal));
    if (check && !result.ok) throw new RunError(command, result);
    return result;
  }

  /** Starts a command. It lives on whatever becomes of this program, until it ends or its box does. */
  async spawn(command: Command, { stdin, tty, ...options }: SpawnOptions = {}, callOptions?: CallOptions): Promise<Job> {
    const isOpen = stdin !== undefined && stdin !== false;
    const request = jobRequest(this.handle, command, options, { ...(isOpen && tty === undefined ? { stdin: true } : {}), ...(tty === undefined ? {} : { tty }) });
    const { jobId } = await this.#connections.call(callOptions, (client) => client.spawn(request, callOptions));
    const job = this.#lastJob = this.job(jobId);
    // A job that ends before it has read all is no error of the one who wrote.
    if (isOpen && stdin !== true) job.stdin.writeAll(stdin).catch(() => undefined);
    return job;
  }

  /** A job by its id, whether it exists or not. */
  job(id: number): Job {
    return new Job(this.#connections, this.handle, id);
  }

  /** The jobs that run, and those whose result nobody has taken. */
  async jobs(options?: CallOptions): Promise<Job[]> {
    const { jobs } = await this.#connections.call(options, (client) => client.jobs({ handle: this.handle }, options));
    return jobs.map(({ id }) => this.job(id));
  }

  /** State, events, addresses and statistics. */
  info(options?: CallOptions): Promise<InfoResponse> {
    return this.#connections.call(options, (client) => client.info({ handle: this.handle }, options));
  }

  /** Its processes, the first 4096 of them. */
  async processes(options?: CallOptions): Promise<BoxProcess[]> {
    const { processes } = await this.#connections.call(options, (client) => client.processes({ handle: this.handle }, options));
    return processes.map(processOf);
  }

  /** Sets limits. */
  async limit(limits: Limits, options?: CallOptions): Promise<void> {
    await this.#connections.call(options, (client) => setLimits(client, this.handle, limits, options));
  }

  /** The limits that are in force. */
  limits(options?: CallOptions): Promise<LimitsInForce> {
    return this.#connections.call(options, (client) => readLimits(client, this.handle, options));
  }

  /** Leads a port of the host to one of the box. */
  expose(containerPort?: number, options?: ExposeOptions): Promise<ExposedPort> {
    return this.network.expose(containerPort, options);
  }

  /** Waits until a program listens on a port, or a job (the last one spawned unless given) has written a line, which it gives. */
  async waitFor(what: WaitFor): Promise<string | undefined> {
    if ('port' in what) {
      await waitForPort(this.#connections, this.handle, what.port, what);
      return undefined;
    }
    const job = what.job ?? this.#lastJob;
    if (job === undefined) throw new WardenError('invalid_argument', 'waitFor({ log }) needs a job: nothing was spawned by this object, and none is given');
    return waitForLine(job, what.log, what);
  }

  /** Ends every process: TERM, and KILL after ten seconds, or KILL at once. The box stays, and its files. */
  async stop({ kill, background, ...options }: CallOptions & { readonly kill?: boolean | undefined; readonly background?: boolean | undefined } = {}): Promise<void> {
    await this.#connections.alone((client) => client.stop({ handle: this.handle, kill, background }, options));
  }

  /** Ends the box and everything it had. */
  async destroy(options?: CallOptions): Promise<void> {
    await this.#connections.alone((client) => client.destroy({ handle: this.handle }, options));
    this.#owned = false;
    await this.#connections.close();
  }

  /** Lets go of it: its disposal does not destroy it any more. */
  release(): this {
    this.#owned = false;
    return this;
  }

  /** Closes the connections. A box that was created here and not released is destroyed; any other lives on, as long as its grace time allows. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#owned) await this.destroy();
    } catch (reason) {
      // Gone already: by its grace time, or by somebody else.
      if (!(reason instanceof WardenError) || reason.code !== 'not_found') throw reason;
    } finally {
      await this.#connections.close();
    }
  }

  /** By spawn and link, so that the job can be fed, and killed when it is given up. */
  async #runWatched(command: Command, options: RunOptions, stdin: Input | undefined, signal: AbortSignal | undefined): Promise<JobResult> {
    const { jobId } = await this.#connections.first.spawn(jobRequest(this.handle, command, options, stdin === undefined ? {} : { stdin: true }));
    const job = this.job(jobId);
    let failure: { readonly reason: unknown } | undefined;
    const giveUp = (reason?: unknown): void => {
      failure ??= { reason };
      job.kill(KILL).catch(() => undefined);
    };
    const onAbort = (): void => giveUp(canceled(signal));
    signal?.addEventListener('abort', onAbort);
    try {
      if (signal?.aborted === true) onAbort();
      if (stdin !== undefined) feed(job, stdin, giveUp);
      const result = await this.#connections.alone((client) => client.link({ handle: this.handle, jobId }));
      if (failure !== undefined) throw failure.reason;
      return result;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** What a job does not read, because it has ended, is dropped; an input that itself fails is the caller's error, and ends the job. */
function feed(job: Job, input: Input, giveUp: (reason: unknown) => void): void {
  job.stdin.writeAll(input).catch((reason: unknown) => {
    if (!(reason instanceof WardenError)) giveUp(reason);
  });
}

function canceled(signal: AbortSignal | undefined): WardenError {
  return new WardenError('canceled', 'run was canceled', { cause: signal?.reason });
}

function shellOf(run: (command: Command, options: RunOptions) => Promise<RunResult>, options: RunOptions): Shell {
  function shell(parts: TemplateStringsArray, ...values: TemplateValue[]): Promise<RunResult>;
  function shell(more: RunOptions): Shell;
  function shell(first: TemplateStringsArray | RunOptions, ...values: TemplateValue[]): Promise<RunResult> | Shell {
    if (!Array.isArray(first)) return shellOf(run, { ...options, ...(first as RunOptions) });
    try {
      return run(templateArguments(first as unknown as TemplateStringsArray, values), options);
    } catch (reason) {
      return Promise.reject(WardenError.from(reason));
    }
  }
  return shell;
}
