// A job of the mock server: a function of the test's, whose output and input are those of a job.
import type { Job, LinkResponse, Process, RequestOf, Type } from 'warden-protocol';

/** What a test's program sees of its job. */
export interface MockProcess {
  readonly handle: string;
  readonly jobId: number;
  /** Empty with args. */
  readonly script: string;
  readonly args: readonly string[];
  /** NAME=value */
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  readonly privileged: boolean;
  /** What is written to its standard input, to the end of that. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Aborted when it is killed: by a signal, its time-out, or with its container. */
  readonly killed: AbortSignal;
  write(data: string | Uint8Array, stream?: 'stdout' | 'stderr'): void;
}

/** Gives the exit status, or what it writes and the status; nothing is 0. */
export type MockProgram = (job: MockProcess) => MockOutcome | Promise<MockOutcome>;

export type MockOutcome = number | void | { readonly exitStatus?: number; readonly stdout?: string | Uint8Array; readonly stderr?: string | Uint8Array };

export interface MockPiece {
  readonly name: 'stdout' | 'stderr';
  readonly data: Uint8Array;
  readonly position: bigint;
}

type Ending = Pick<LinkResponse, 'exitStatus' | 'signal' | 'timedOut'>;

/** The status of a job that a signal ended. */
const KILLED = 255;

const KILL = 9;

/** A job of the mock server, as `server.containers.get(handle)?.jobs` has it. */
export class MockJob {
  readonly id: number;
  readonly pieces: MockPiece[] = [];
  ending: Ending | undefined;
  readonly #request: RequestOf<Type.Spawn>;
  readonly #killed = new AbortController();
  readonly #input: Uint8Array[] = [];
  #inputEnded: boolean;
  #length = 0n;
  #wakers: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout | undefined;

  /** @internal Made by MockContainers. */
  constructor(id: number, request: RequestOf<Type.Spawn>, program: MockProgram) {
    this.id = id;
    this.#request = request;
    this.#inputEnded = request.stdin !== true && request.tty === undefined;
    if (request.timeoutMs !== undefined) this.#timer = setTimeout(() => this.#end({ exitStatus: KILLED, signal: KILL, timedOut: true }), Number(request.timeoutMs)).unref();
    void this.#run(program);
  }

  /** Whether its program has ended, or it was killed. */
  get hasEnded(): boolean {
    return this.ending !== undefined;
  }

  /** Ends it by a signal. */
  kill(signal: number): void {
    this.#end({ exitStatus: KILLED, signal });
  }

  /** Writes to its input; with `close` that ends there. */
  feed(data: Uint8Array | undefined, close: boolean): void {
    if (data !== undefined && data.length > 0) this.#input.push(data.slice());
    if (close) this.#inputEnded = true;
    this.#wake();
  }

  /** Output from a position on; with `follow` to the job's end. */
  async *output(sinceByte: bigint, follow: boolean): AsyncGenerator<MockPiece, void, void> {
    for (let at = 0; ; at++) {
      while (at >= this.pieces.length) {
        if (this.hasEnded || !follow) return;
        await this.#change();
      }
      const { name, data, position } = this.pieces[at] as MockPiece;
      const before = Number(sinceByte > position ? sinceByte - position : 0n);
      if (before < data.length) yield { name, data: data.subarray(before), position: position + BigInt(before) };
    }
  }

  /** Settles when it has ended, with how it did. */
  async ended(): Promise<Ending> {
    while (this.ending === undefined) await this.#change();
    return this.ending;
  }

  /** What a link answers. */
  result(): LinkResponse {
    const all = (wanted: string): Uint8Array => Buffer.concat(this.pieces.filter(({ name }) => name === wanted).map(({ data }) => data));
    return { ...this.ending, stdout: all('stdout'), stderr: all('stderr') };
  }

  /** What a list of jobs has of it. */
  listed(): Job {
    const { script, args } = this.#request;
    return { id: this.id, state: this.hasEnded ? 'ended' : 'running', command: args.length > 0 ? args.join(' ') : script, outputBytes: this.#length, ...this.ending };
  }

  /** What a list of processes has of it. */
  process(): Process {
    const { args, privileged } = this.#request;
    const command = args.length > 0 ? args : ['/bin/bash'];
    return { pid: this.id + 1, parentPid: 1, uid: privileged === true ? 0 : 10_000, state: 'S', name: Buffer.from(command[0]?.split('/').at(-1) ?? ''), commandLine: Buffer.from(command.join('\0')) };
  }

  /** Bytes of its output. */
  get length(): bigint {
    return this.#length;
  }

  async #run(program: MockProgram): Promise<void> {
    const { handle, script, args, env, cwd, user, privileged } = this.#request;
    try {
      const outcome = await program({
        handle, jobId: this.id, script, args, env, cwd, user, privileged: privileged ?? false, input: this.#read(), killed: this.#killed.signal,
        write: (data, stream = 'stdout') => this.#write(stream, data),
      });
      const { exitStatus = 0, stdout, stderr } = typeof outcome === 'object' ? outcome : { exitStatus: outcome ?? 0 };
      if (stdout !== undefined) this.#write('stdout', stdout);
      if (stderr !== undefined) this.#write('stderr', stderr);
      this.#end({ exitStatus });
    } catch (error) {
      this.#write('stderr', `${String(error)}\n`);
      this.#end({ exitStatus: 1 });
    }
  }

  async *#read(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const data = this.#input.shift();
      if (data !== undefined) yield data;
      else if (this.#inputEnded || this.hasEnded) return;
      else await this.#change();
    }
  }

  #write(name: 'stdout' | 'stderr', data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    if (this.hasEnded || bytes.length === 0) return;
    this.pieces.push({ name, data: bytes, position: this.#length });
    this.#length += BigInt(bytes.length);
    this.#wake();
  }

  #end(ending: Ending): void {
    if (this.hasEnded) return;
    clearTimeout(this.#timer);
    this.ending = ending;
    if (ending.signal !== undefined) this.#killed.abort();
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve));
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}
