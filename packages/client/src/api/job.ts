// A job of a box: its output as often as it is wanted, its input, signals, and its end.
import { type Job as JobInfo, WardenError } from 'warden-protocol';
import type { WardenClient } from '../client.js';
import type { CallOptions } from '../cancellation.js';
import { endingDetails } from '../job-stream.js';
import type { BoxConnections } from './box-connections.js';
import { type Input, type JobExit, RunResult } from './command.js';
import { type Signal, signalNumber } from './signals.js';
import { decoded, linesOf, type OutputLine, type OutputPiece, type TextPiece } from './text.js';

export interface OutputOptions {
  /** Where to begin in the output of both streams together; its first byte unless given. */
  readonly sinceByte?: number | bigint | undefined;
  /** Go on until the job has ended; true unless given. */
  readonly follow?: boolean | undefined;
  /** Ends the reading with the code canceled; the job goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the reading ends with the code timeout; the job goes on. */
  readonly timeoutMs?: number | undefined;
}

/** A program that runs in a box, or has run there. Made by `box.spawn()` and `box.job()`. */
export class Job {
  readonly handle: string;
  readonly id: number;
  /** What the job reads, when it was started with stdin or tty. */
  readonly stdin: JobStdin;
  readonly #connections: BoxConnections;
  #exit: Promise<JobExit> | undefined;

  /** @internal Made by Box. */
  constructor(connections: BoxConnections, handle: string, id: number) {
    this.#connections = connections;
    this.handle = handle;
    this.id = id;
    this.stdin = new JobStdin(connections, { handle, jobId: id });
  }

  /**
   * Its output, from the first byte, as it comes. It can be read any number of times, also when the job has ended, until
   * result() has taken it. Leaving the loop ends the reading, never the job.
   */
  async *output({ sinceByte, follow = true, ...options }: OutputOptions = {}): AsyncGenerator<OutputPiece, void, void> {
    const client = this.#connections.take();
    try {
      for await (const { name, data, position } of client.logs({ ...this.#names, sinceByte, follow }, options)) yield { stream: name, data, position };
    } finally {
      this.#connections.giveBack(client);
    }
  }

  /** Its output as UTF-8, characters whole. */
  text(options?: OutputOptions): AsyncGenerator<TextPiece, void, void> {
    return decoded(this.output(options));
  }

  /** Its output line by line. */
  lines(options?: OutputOptions): AsyncGenerator<OutputLine, void, void> {
    return linesOf(this.text(options));
  }

  /** Settles when the job has ended, with how it did; it stays, with its output. Rejects with not_found when it was taken meanwhile. */
  get exit(): Promise<JobExit> {
    return this.#exit ??= this.wait();
  }

  /** The same, for as long as the caller will wait; the job goes on. */
  wait(options?: CallOptions): Promise<JobExit> {
    return this.#connections.alone((client) => this.#ended(client, options));
  }

  /** Waits for the job and takes it, with its output: afterwards it is gone. */
  async result(options?: CallOptions): Promise<RunResult> {
    return this.#connections.alone(async (client) => new RunResult(await client.link(this.#names, options)));
  }

  /** Sends a signal to every process of the job; TERM unless given. */
  async kill(signal: Signal = 'TERM', options?: CallOptions): Promise<void> {
    const number = signalNumber(signal);
    await this.#connections.call(options, (client) => client.signal({ ...this.#names, signal: number }, options));
  }

  /** The size of its terminal. */
  async resize(size: { readonly rows: number; readonly columns: number }, options?: CallOptions): Promise<void> {
    await this.#connections.call(options, (client) => client.resize({ ...this.#names, ...size }, options));
  }

  /** What is known of it. Rejects with not_found when its result was taken. */
  async info(options?: CallOptions): Promise<JobInfo> {
    const { jobs } = await this.#connections.call(options, (client) => client.jobs({ handle: this.handle }, options));
    const found = jobs.find(({ id }) => id === this.id);
    if (found === undefined) throw new WardenError('not_found', 'no such job');
    return found;
  }

  get #names(): { readonly handle: string; readonly jobId: number } {
    return { handle: this.handle, jobId: this.id };
  }

  /** By reading its output from where it is now, which is the request that waits and takes nothing. */
  async #ended(client: WardenClient, options: CallOptions | undefined): Promise<JobExit> {
    const { jobs } = await client.jobs({ handle: this.handle }, options);
    const sinceByte = jobs.find(({ id }) => id === this.id)?.outputBytes ?? 0n;
    const { exitStatus, ...ending } = await client.logs({ ...this.#names, sinceByte, follow: true }, options).result();
    if (exitStatus === undefined) throw new WardenError('internal', `logs of job ${this.id} ended before the job did`);
    return { exitStatus, ...endingDetails(ending) };
  }
}

/** What a job reads. Each write settles when the job's pipe or terminal has taken all of it. */
export class JobStdin {
  readonly #connections: BoxConnections;
  readonly #job: { readonly handle: string; readonly jobId: number };
  #client: WardenClient | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;

  /** @internal Made by Job. */
  constructor(connections: BoxConnections, job: { readonly handle: string; readonly jobId: number }) {
    this.#connections = connections;
    this.#job = job;
  }

  /** Writes are done one after the other. Text is sent as UTF-8. Of one that is given up the job may have read a part. */
  write(data: string | Uint8Array, options?: CallOptions): Promise<void> {
    return this.#inTurn((client) => client.writeInput({ ...this.#job, data }, options));
  }

  /** Writes what comes, waiting for the job before it takes more, and then ends the input. */
  async writeAll(input: Input, options?: CallOptions): Promise<void> {
    if (typeof input === 'string' || input instanceof Uint8Array) return this.end(input, options);
    try {
      for await (const piece of input) await this.write(piece, options);
    } catch (reason) {
      this.#release();
      throw reason;
    }
    await this.end('', options);
  }

  /** The job reads the end of its input behind data. */
  async end(data: string | Uint8Array = '', options?: CallOptions): Promise<void> {
    if (this.#ended) return;
    const written = this.#inTurn((client) => client.writeInput({ ...this.#job, data, close: true }, options));
    this.#ended = true;
    try {
      await written;
    } finally {
      this.#release();
    }
  }

  #release(): void {
    if (this.#client !== undefined) this.#connections.giveBack(this.#client);
    this.#client = undefined;
  }

  /** A job that does not read holds up its writer, so input has a connection of its own. */
  #inTurn(work: (client: WardenClient) => Promise<unknown>): Promise<void> {
    if (this.#ended) return Promise.reject(new WardenError('wrong_state', `the input of job ${this.#job.jobId} was ended`));
    const client = this.#client ??= this.#connections.take();
    const turn = this.#last.then(async () => {
      await work(client);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
