/*
 * A client for tests: one connection, typed requests in the order they were sent, or raw bytes.
 * Replies of one connection come in the order of the requests, so a queue of expectations is all the state there is.
 */
import { once } from 'node:events';
import net from 'node:net';
import { announcedLength, decode, encode, ERROR_TYPE, errorSchema, frame, operations, takeFrames } from './wire.js';
import type { Fields, OperationName, Reply } from './wire.js';

export interface Info {
  readonly disk_backend?: string;
  readonly state: string; readonly events: string[]; readonly job_ids: bigint[];
  readonly host_ip: string; readonly container_ip: string; readonly container_path: string;
  readonly memory_stat?: Readonly<Record<string, bigint>>; readonly cpu_stat?: Readonly<Record<string, bigint>>;
  readonly disk_stat?: Readonly<Record<string, bigint>>;
  readonly bandwidth_stat?: Readonly<Record<string, bigint>>; readonly pids_stat?: { readonly current: bigint; readonly max?: bigint };
  readonly net_out: readonly NetOut[];
  readonly net_in: { readonly host_port: number; readonly container_port: number; readonly protocol: number }[];
  readonly bind_mounts: readonly { readonly src_path: string; readonly dst_path: string; readonly mode: number }[];
  readonly labels: readonly Label[]; readonly ttl_left_ms?: bigint; readonly created_ms?: bigint;
  readonly network_stat?: Readonly<Record<'in_bytes' | 'in_packets' | 'out_bytes' | 'out_packets', bigint>>;
}
export interface Label { readonly key: string; readonly value: string }
/** A container in a list with details. */
export interface Summary {
  readonly handle: string; readonly state: string; readonly container_ip: string; readonly labels: readonly Label[]; readonly created_ms: bigint; readonly ttl_left_ms?: bigint;
  readonly rootfs: string; readonly net_in: readonly { readonly host_port: number; readonly container_port: number; readonly protocol: number }[]; readonly jobs: number;
}
/** A rule of net_out; protocol: 0 TCP, 1 UDP, 2 ICMP, 3 ALL. */
export interface NetOut {
  readonly network?: string; readonly port?: number; readonly port_range?: string; readonly protocol?: number; readonly icmp_type?: number; readonly icmp_code?: number; readonly log?: boolean; readonly domain?: string;
}
/** What an exit status of 255 leaves open. */
export interface Ending { readonly signal: number | undefined; readonly timedOut: boolean; readonly lost: boolean }
export interface JobResult extends Ending { readonly status: number; readonly stdout: string; readonly stderr: string; readonly out: Buffer; readonly info: Info }
export interface Chunk { readonly name: string; readonly data: Buffer; readonly status: number | undefined; readonly info: Info | undefined }
/** A piece of logs; the last has none, and the status when the job has ended. */
export interface LogsChunk extends Ending { readonly name: string; readonly data: Buffer; readonly position: bigint; readonly status: number | undefined; readonly last: boolean }
export interface ListedJob extends Ending {
  readonly id: number; readonly state: string; readonly command: string; readonly startedMs: bigint | undefined; readonly endedMs: bigint | undefined;
  readonly status: number | undefined; readonly outputBytes: bigint; readonly pid: number;
}
export interface JobOptions {
  privileged?: boolean; rlimits?: Fields; discard_output?: boolean; log_tag?: string;
  env?: string[]; cwd?: string; args?: string[]; stdin?: boolean; tty?: { rows: number; columns: number; term?: string }; timeout_ms?: bigint | number; user?: string;
}
export interface NetInOptions { host_port?: number; container_port?: number; protocol?: 'tcp' | 'udp'; remove?: boolean }
export interface CreateOptions { handle?: string; rootfs?: string; network?: string; grace_time?: number; bind_mounts?: Fields[]; hooks?: Fields[]; labels?: Fields[]; ttl?: number }

/** An ErrorResponse: the text of behaviour.md in `message`, the code in `code`. */
export class RequestError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

interface Expectation { onReply(reply: Reply): boolean; onClosed(error: Error): void }

export class Client {
  readonly socket: net.Socket;
  readonly #expected: Expectation[] = [];
  #pending: Buffer[] = [];
  #pendingLength = 0;
  /** Bytes until the first frame that is not whole yet can be: joining all that came with every chunk would cost the square. */
  #wanted = 0;
  #unexpected: Reply[] = [];
  /** Told of every container that was made here. */
  onCreated: ((handle: string) => void) | undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => { /* 'close' follows and tells the waiting requests */ });
    socket.on('close', () => {
      for (const { onClosed } of this.#expected.splice(0)) onClosed(new Error('the server closed the connection'));
    });
  }

  static async connect(path: string): Promise<Client> {
    const socket = net.connect(path);
    await once(socket, 'connect');
    return new Client(socket);
  }

  #receive(chunk: Buffer): void {
    this.#pending.push(chunk);
    this.#pendingLength += chunk.length;
    if (this.#pendingLength < this.#wanted) return;
    const rest = takeFrames(this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending), (reply) => {
      const first = this.#expected[0];
      if (first === undefined) this.#unexpected.push(reply);
      else if (first.onReply(reply)) this.#expected.shift();
    });
    this.#pending = rest.length === 0 ? [] : [rest];
    this.#pendingLength = rest.length;
    this.#wanted = announcedLength(rest);
  }

  /** Replies nobody asked for; a test of order looks here. */
  get unexpected(): readonly Reply[] { return this.#unexpected; }

  write(bytes: Buffer | string): void { this.socket.write(bytes); }

  /** The next reply as it is, whatever its type. */
  reply(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#expected.push({ onReply: (reply) => { resolve(reply); return true; }, onClosed: reject });
    });
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    // Not once(): that rejects when a write meets the closed connection first.
    if (!this.socket.closed) await new Promise<void>((resolve) => { this.socket.once('close', () => resolve()); });
  }

  close(): void { this.socket.destroy(); }

  /** Sends a request and returns its reply's fields; an ErrorResponse rejects with RequestError. */
  request(name: OperationName, fields: Fields = {}): Promise<Fields> {
    return new Promise((resolve, reject) => {
      this.#send(name, fields, reject, (answer) => { resolve(answer); return true; });
    });
  }

  #send(name: OperationName, fields: Fields, onError: (error: Error) => void, onAnswer: (answer: Fields) => boolean): void {
    const operation = operations[name];
    this.#expected.push({
      onClosed: onError,
      onReply: (reply) => {
        if (reply.type === ERROR_TYPE) {
          const error = decode(errorSchema, reply.payload);
          onError(new RequestError(String(error['message']), String(error['data'])));
          return true;
        }
        if (reply.type !== operation.type) {
          onError(new Error(`${name} was answered by a message of type ${reply.type}`));
          return true;
        }
        return onAnswer(decode(operation.response, reply.payload));
      },
    });
    this.socket.write(frame(operation.type, encode(operation.request, fields)));
  }

  async ping(): Promise<void> { await this.request('ping'); }
  async echo(message: string): Promise<string> { return String((await this.request('echo', { message }))['message']); }
  async list(): Promise<string[]> { return (await this.request('list'))['handles'] as string[]; }

  async create(options: CreateOptions = {}): Promise<string> {
    const handle = String((await this.request('create', { ...options }))['handle']);
    this.onCreated?.(handle);
    return handle;
  }

  async info(handle: string): Promise<Info> { return await this.request('info', { handle }) as unknown as Info; }
  async destroy(handle: string): Promise<void> { await this.request('destroy', { handle }); }
  /** Leads a port of the host to the container, or closes it. */
  async netIn(handle: string, options: NetInOptions = {}): Promise<{ host_port: number; container_port: number }> {
    return await this.request('net_in', { handle, ...options, ...(options.protocol === undefined ? {} : { protocol: options.protocol === 'udp' ? 1 : 0 }) }) as { host_port: number; container_port: number };
  }

  async stop(handle: string, options: { background?: boolean; kill?: boolean } = {}): Promise<void> {
    await this.request('stop', { handle, ...options });
  }

  async netOut(handle: string, rule: NetOut & { readonly remove?: boolean }): Promise<void> { await this.request('net_out', { handle, ...rule }); }

  async run(handle: string, script: string, options: JobOptions = {}): Promise<JobResult> {
    return jobResult(await this.request('run', { handle, script, ...options }));
  }

  async spawn(handle: string, script: string, options: JobOptions = {}): Promise<number> {
    return Number((await this.request('spawn', { handle, script, ...options }))['job_id']);
  }

  async link(handle: string, jobId: number): Promise<JobResult> {
    return jobResult(await this.request('link', { handle, job_id: jobId }));
  }

  /** Writes to a job's standard input, in requests of at most 1 MiB, and ends it when `close`. */
  async input(handle: string, jobId: number, data: Buffer | string, close = false): Promise<void> {
    const bytes = Buffer.from(data);
    for (let at = 0; at === 0 || at < bytes.length; at += 1 << 20) {
      const isLast = at + (1 << 20) >= bytes.length;
      await this.request('input', { handle, job_id: jobId, data: bytes.subarray(at, at + (1 << 20)), close: close && isLast });
    }
  }

  async signal(handle: string, jobId: number, signal: number): Promise<void> { await this.request('signal', { handle, job_id: jobId, signal }); }

  async jobs(handle: string): Promise<ListedJob[]> {
    const { jobs } = await this.request('jobs', { handle });
    return (jobs as Fields[]).map((job) => ({
      id: job['id'] as number, state: String(job['state']), command: String(job['command']), startedMs: job['started_ms'] as bigint | undefined,
      endedMs: job['ended_ms'] as bigint | undefined, status: job['exit_status'] as number | undefined, outputBytes: job['output_bytes'] as bigint,
      pid: job['pid'] as number, ...endingOf(job),
    }));
  }

  /** A job's output from a byte on, up to what there is, or to its end with `follow`. */
  async *logs(handle: string, jobId: number, options: { since_byte?: bigint | number; follow?: boolean } = {}): AsyncGenerator<LogsChunk> {
    for await (const answer of this.#answers('logs', { handle, job_id: jobId, ...options }, ({ last }) => last === true)) {
      yield {
        name: String(answer['name'] ?? ''), data: (answer['data'] ?? Buffer.alloc(0)) as Buffer, position: answer['position'] as bigint,
        status: answer['exit_status'] as number | undefined, last: answer['last'] === true, ...endingOf(answer),
      };
    }
  }

  /** The output of both streams together that logs bring, and the last answer. */
  async logsAll(handle: string, jobId: number, options: { since_byte?: bigint | number; follow?: boolean } = {}): Promise<{ text: string; end: LogsChunk }> {
    let text = '';
    for await (const chunk of this.logs(handle, jobId, options)) {
      text += chunk.data.toString();
      if (chunk.last) return { text, end: chunk };
    }
    throw new Error('the logs ended without a last answer');
  }

  /** A copy with its counts meanwhile, its result last. */
  async *copying(name: 'copy_in' | 'copy_out', fields: Fields): AsyncGenerator<Fields> {
    yield* this.#answers(name, { ...fields, progress: true }, ({ progress }) => progress === undefined);
  }

  /** Every chunk of a job's output as it comes, the one with the status last. */
  async *stream(handle: string, jobId: number): AsyncGenerator<Chunk> {
    for await (const answer of this.#answers('stream', { handle, job_id: jobId }, ({ exit_status: status }) => status !== undefined)) {
      yield {
        name: String(answer['name'] ?? ''), data: (answer['data'] ?? Buffer.alloc(0)) as Buffer, status: answer['exit_status'] as number | undefined,
        info: answer['info'] as unknown as Info | undefined,
      };
    }
  }

  /** What happens to containers, `listening` first, until the connection is closed. */
  async *events(handle?: string): AsyncGenerator<Fields> {
    yield* this.#answers('events', { handle }, () => false);
  }

  /** The answers to one request that has several. */
  async *#answers(name: OperationName, fields: Fields, isLast: (answer: Fields) => boolean): AsyncGenerator<Fields> {
    const answers: Fields[] = [];
    let failure: Error | undefined;
    let wake: () => void = () => {};
    this.#send(name, fields, (error) => { failure = error; wake(); }, (answer) => {
      answers.push(answer);
      wake();
      return isLast(answer);
    });
    for (;;) {
      const answer = answers.shift();
      if (answer !== undefined) {
        yield answer;
        if (isLast(answer)) return;
        continue;
      }
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => { wake = resolve; });
    }
  }

  /** A whole stream: its output as `name:text` pieces in order, neighbours of one name joined, and the status. */
  async streamAll(handle: string, jobId: number): Promise<{ pieces: string[]; bytes: number; status: number; info: Info | undefined }> {
    const pieces: string[] = [];
    let bytes = 0;
    let last = '';
    for await (const chunk of this.stream(handle, jobId)) {
      if (chunk.data.length > 0) {
        bytes += chunk.data.length;
        if (chunk.name === last) pieces.push(`${pieces.pop() ?? ''}${chunk.data.toString()}`);
        else pieces.push(`${chunk.name}:${chunk.data.toString()}`);
        last = chunk.name;
      }
      if (chunk.status !== undefined) return { pieces, bytes, status: chunk.status, info: chunk.info };
    }
    throw new Error('the stream ended without an exit status');
  }
}

function endingOf(answer: Fields): Ending {
  return { signal: answer['signal'] as number | undefined, timedOut: answer['timed_out'] === true, lost: answer['lost'] === true };
}

function jobResult(answer: Fields): JobResult {
  const out = (answer['stdout'] ?? Buffer.alloc(0)) as Buffer;
  const err = (answer['stderr'] ?? Buffer.alloc(0)) as Buffer;
  return {
    status: answer['exit_status'] as number, stdout: out.toString(), stderr: err.toString(), out,
    info: answer['info'] as unknown as Info, ...endingOf(answer),
  };
}
