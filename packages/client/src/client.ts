// The promise client: one method a request, plain objects in and out.
//
// Calls share one connection, made when it is needed and made again after it was lost. They are pipelined: each is sent
// at once, and the server works on them one after the other, so a call behind a long run, link or stream waits for it;
// use a second client for what must not wait. A request that was sent cannot be recalled: a call that is canceled or
// times out takes the connection with it, other calls on it fail with the code unavailable (whether the server has
// worked on them is unknown, so none is sent again), and the next call makes a new connection.
import { type CopyInResponse, type CopyOutResponse, type CreateResponse, type DestroyResponse, type EchoResponse, encodeRequest, type InfoResponse,
  type InputResponse, type JobsResponse, type LimitBandwidthResponse, type LimitCpuResponse, type LimitDiskResponse, type LimitMemoryResponse, type LimitPidsResponse, type ListResponse,
  MAX_FRAME_LENGTH, messageTypes, type NetInResponse, type NetOutResponse, type PingResponse, type ProcessesResponse, type RequestInit, type RequestType, type ResponseOf, type ResizeResponse, type SignalResponse, type SpawnResponse, type StopResponse, Type, WardenError } from 'warden-protocol';
import { type Address, checkAddress } from './address.js';
import { type CallOptions, Cancellation, LONGEST_TIMEOUT_MS, unlessCanceled } from './cancellation.js';
import { type ClientOptions, traced } from './client-options.js';
import { Connection, type Pending } from './connection.js';
import { Exchange, JobReply, type JobResult, type ReplyListener, SingleReply } from './exchange.js';
import { FileCalls } from './file-calls.js';
import { guarded } from './guarded.js';
import { ImageCalls, RootfsCalls } from './image-calls.js';
import { type JobRequest, wholeNumber, wireJob } from './job-request.js';
import { JobLogs, JobStream } from './job-stream.js';
import type { ReplyStream } from './reply-stream.js';
import { type V1Command, v1Request } from './v1/request.js';
import { V1Reply, type V1StreamValue, type V1Value } from './v1/value.js';

export type { ClientOptions } from './client-options.js';
export type { JobResult, ReplyListener } from './exchange.js';

export interface V1Options extends CallOptions {
  /** Takes a stream's pieces, the last one too. */
  onPiece?: ((piece: V1StreamValue) => void) | undefined;
}

/** Input for a job. */
export interface JobInput {
  readonly handle: string;
  readonly jobId: number;
  /** Any amount; text is sent as UTF-8. */
  readonly data: Uint8Array | string;
  /** End the job's input behind data. */
  readonly close?: boolean | undefined;
}

/** Which part of a job's output is wanted. */
export interface LogsRange {
  readonly handle: string;
  readonly jobId: number;
  /** Where to begin in the output of both streams together; its first byte unless given. */
  readonly sinceByte?: number | bigint | undefined;
  /** Go on until the job has ended. */
  readonly follow?: boolean | undefined;
}

/** Input that one request carries, in bytes: a quarter of what the server takes. */
const INPUT_PIECE = 256 * 1024;

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

/** A connection to a server, made when it is needed and again after it was lost, and a method for each request. Calls are pipelined: the server works on them one after the other. */
export class WardenClient {
  readonly address: Address;
  readonly files = new FileCalls(this);
  readonly images = new ImageCalls(this);
  readonly rootfs = new RootfsCalls(this);
  readonly #connectTimeoutMs: number;
  readonly #maxFrameLength: number;
  readonly #onConnected: (() => void) | undefined;
  readonly #onDisconnected: ((error: WardenError) => void) | undefined;
  /** As its options gave it, for clients beside it that are to be under the same trace. */
  readonly traceparent: ClientOptions['traceparent'];
  #connection: Promise<Connection> | undefined;
  /** That which is there. */
  #live: Connection | undefined;
  /** Calls that wait for one. */
  #waiting = 0;
  #closed = false;

  /** A client with a connection. Rejects with unavailable, permission or timeout. */
  static async connect(address: Address, options: ClientOptions = {}): Promise<WardenClient> {
    const client = new WardenClient(address, options);
    await client.connect();
    return client;
  }

  /** A client that connects at its first call. Throws invalid_argument for an address that cannot be one. */
  constructor(address: Address, options: ClientOptions = {}) {
    checkAddress(address);
    this.address = address;
    this.#connectTimeoutMs = Math.min(options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS, LONGEST_TIMEOUT_MS);
    this.#maxFrameLength = options.maxFrameLength ?? MAX_FRAME_LENGTH;
    this.#onConnected = options.onConnected && guarded(options.onConnected);
    this.#onDisconnected = options.onDisconnected && guarded(options.onDisconnected);
    this.traceparent = options.traceparent;
  }

  /** Whether there is a connection. The next call makes one when there is none. */
  get connected(): boolean {
    return this.#live !== undefined;
  }

  /** Makes a connection when there is none. Rejects with unavailable, permission or timeout. */
  async connect(): Promise<void> {
    await this.#connect();
  }

  /** Makes a container; generates a handle unless one is given. */
  create(request: RequestInit<Type.Create> = {}, options?: CallOptions): Promise<CreateResponse> {
    return this.request(Type.Create, request, options);
  }

  /** Ends every process in the container: TERM, and KILL after ten seconds. Answers when all jobs have ended, or at once with `background`. */
  stop(request: RequestInit<Type.Stop>, options?: CallOptions): Promise<StopResponse> {
    return this.request(Type.Stop, request, options);
  }

  /** Ends the container and everything it had. */
  destroy(request: RequestInit<Type.Destroy>, options?: CallOptions): Promise<DestroyResponse> {
    return this.request(Type.Destroy, request, options);
  }

  /** State, events, addresses, running jobs and statistics. */
  info(request: RequestInit<Type.Info>, options?: CallOptions): Promise<InfoResponse> {
    return this.request(Type.Info, request, options);
  }

  /** Starts a job and answers with its id. */
  async spawn(request: JobRequest, options?: CallOptions): Promise<SpawnResponse> {
    return this.request(Type.Spawn, wireJob(request), options);
  }

  /** Waits for a job, and takes its output and status; afterwards the job is gone. */
  link(request: RequestInit<Type.Link>, options?: CallOptions): Promise<JobResult> {
    return new Promise((resolve, reject) => this.exchange(Type.Link, request, new JobReply(resolve, reject), options));
  }

  /** Starts a job and waits for it. */
  run(request: JobRequest, options?: CallOptions): Promise<JobResult> {
    return new Promise((resolve, reject) => this.exchange(Type.Run, wireJob(request), new JobReply(resolve, reject), options));
  }

  /** The output of a job from its first byte, as it comes. `timeoutMs` counts to the end of the job. */
  stream(request: RequestInit<Type.Stream>, options?: CallOptions): JobStream {
    return this.openStream((onEnd) => new JobStream(onEnd), 'stream', () => encodeRequest(Type.Stream, request), options);
  }

  /** The output of a job from any byte, up to what there is, or as it comes with `follow`. The job stays as it is. */
  logs({ sinceByte, ...request }: LogsRange, options?: CallOptions): JobLogs {
    const encode = (): Uint8Array => encodeRequest(Type.Logs, sinceByte === undefined ? request : { ...request, sinceByte: wholeNumber('sinceByte', sinceByte) });
    return this.openStream((onEnd) => new JobLogs(onEnd), 'logs', encode, options);
  }

  /** The jobs of a container that run, and those whose result nobody has taken. */
  jobs(request: RequestInit<Type.Jobs>, options?: CallOptions): Promise<JobsResponse> {
    return this.request(Type.Jobs, request, options);
  }

  /**
   * Writes to the standard input of a job that was started with `stdin` or `tty`. Settles when the job's pipe or terminal
   * has taken all of it, however long the job does not read; other calls of this client wait meanwhile. Several writes at
   * once to one job may mix in pieces of 256 KiB.
   */
  async writeInput({ data, close, ...job }: JobInput, options?: CallOptions): Promise<InputResponse> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    let at = 0;
    for (; bytes.length - at > INPUT_PIECE; at += INPUT_PIECE) {
      await this.request(Type.Input, { ...job, data: bytes.subarray(at, at + INPUT_PIECE) }, options);
    }
    return this.request(Type.Input, { ...job, data: bytes.subarray(at), close }, options);
  }

  /** Ends the standard input of a job: it reads an end of file. */
  closeInput(request: Omit<RequestInit<Type.Input>, 'data' | 'close'>, options?: CallOptions): Promise<InputResponse> {
    return this.request(Type.Input, { ...request, close: true }, options);
  }

  /** Sets the size of a job's terminal. */
  resize(request: RequestInit<Type.Resize>, options?: CallOptions): Promise<ResizeResponse> {
    return this.request(Type.Resize, request, options);
  }

  /** The processes of a container, as it knows them itself. What they are called is bytes of their own choice. */
  processes(request: RequestInit<Type.Processes>, options?: CallOptions): Promise<ProcessesResponse> {
    return this.request(Type.Processes, request, options);
  }

  /** Sends a signal, by its number, to every process of one job. */
  signal(request: RequestInit<Type.Signal>, options?: CallOptions): Promise<SignalResponse> {
    return this.request(Type.Signal, request, options);
  }

  /** Opens a port of the host to a port of the container. */
  netIn(request: RequestInit<Type.NetIn>, options?: CallOptions): Promise<NetInResponse> {
    return this.request(Type.NetIn, request, options);
  }

  /** Lets the container reach a network. */
  netOut(request: RequestInit<Type.NetOut>, options?: CallOptions): Promise<NetOutResponse> {
    return this.request(Type.NetOut, request, options);
  }

  /** Copies from a path on the server's host into the container. */
  copyIn(request: RequestInit<Type.CopyIn>, options?: CallOptions): Promise<CopyInResponse> {
    return this.request(Type.CopyIn, request, options);
  }

  /** Copies from the container to a path on the server's host. */
  copyOut(request: RequestInit<Type.CopyOut>, options?: CallOptions): Promise<CopyOutResponse> {
    return this.request(Type.CopyOut, request, options);
  }

  /** Sets, or without a value reads, the memory limit in bytes. */
  limitMemory(request: RequestInit<Type.LimitMemory>, options?: CallOptions): Promise<LimitMemoryResponse> {
    return this.request(Type.LimitMemory, request, options);
  }

  /** Sets, or without a value reads, the disk limits. */
  limitDisk(request: RequestInit<Type.LimitDisk>, options?: CallOptions): Promise<LimitDiskResponse> {
    return this.request(Type.LimitDisk, request, options);
  }

  /** Sets rate (bytes per second) and burst (bytes) of both directions. */
  limitBandwidth(request: RequestInit<Type.LimitBandwidth>, options?: CallOptions): Promise<LimitBandwidthResponse> {
    return this.request(Type.LimitBandwidth, request, options);
  }

  /** Sets, or without a value reads, the CPU shares. */
  limitCpu(request: RequestInit<Type.LimitCpu>, options?: CallOptions): Promise<LimitCpuResponse> {
    return this.request(Type.LimitCpu, request, options);
  }

  /** Sets, or without a value reads, the most processes and threads. */
  limitPids(request: RequestInit<Type.LimitPids>, options?: CallOptions): Promise<LimitPidsResponse> {
    return this.request(Type.LimitPids, request, options);
  }

  /** Answers when the server is there. */
  ping(options?: CallOptions): Promise<PingResponse> {
    return this.request(Type.Ping, {}, options);
  }

  /** The handles of live containers, of all or of those with labels; with `details` also what a table of them shows. */
  list(request: RequestInit<Type.List> = {}, options?: CallOptions): Promise<ListResponse> {
    return this.request(Type.List, request, options);
  }

  /** Answers with the same message. */
  echo(request: RequestInit<Type.Echo>, options?: CallOptions): Promise<EchoResponse> {
    return this.request(Type.Echo, request, options);
  }

  /**
   * Any request that has one reply, by its type. Rejects with the server's error reply, with invalid_argument for a
   * request that cannot be encoded, canceled, timeout, or unavailable when the connection cannot be made or is lost.
   */
  request<T extends Exclude<RequestType, Type.Stream | Type.Logs>>(type: T, request: RequestInit<T>, options?: CallOptions): Promise<ResponseOf<T>> {
    return this.#single(type, request, options);
  }

  /** @internal The same, with memory for its frame, which is in use until the reply has come. */
  requestIn<T extends Exclude<RequestType, Type.Stream | Type.Logs>>(memory: Buffer, type: T, request: RequestInit<T>, options?: CallOptions): Promise<ResponseOf<T>> {
    return this.#single(type, request, options, memory);
  }

  /** Any request, by its type. Calls back with every reply, the last one too, and settles with that. Rejects as request() does, and with what the callback throws. */
  requestEach<T extends RequestType>(type: T, request: RequestInit<T>, onReply: ((response: ResponseOf<T>) => void) | undefined, options?: CallOptions): Promise<ResponseOf<T>> {
    if (onReply === undefined) return this.#single(type, request, options);
    return new Promise((resolve, reject) => {
      const reply = (response: ResponseOf<T>, isLast: boolean): void => {
        try {
          onReply(response);
        } catch (error) {
          reject(error);
        }
        if (isLast) resolve(response);
      };
      this.exchange(type, request, { reply, fail: reject }, options);
    });
  }

  #single<T extends RequestType>(type: T, request: RequestInit<T>, options?: CallOptions, memory?: Buffer): Promise<ResponseOf<T>> {
    return new Promise((resolve, reject) => this.exchange(type, request, new SingleReply<ResponseOf<T>>(resolve, reject), options, memory));
  }

  /** @internal A request whose replies are told at once, in the very order in which they come. */
  exchange<T extends RequestType>(type: T, request: RequestInit<T>, listener: ReplyListener<T>, options?: CallOptions, memory?: Buffer): void {
    let cancellation: Cancellation | undefined;
    try {
      const frame = encodeRequest(type, request, memory);
      if (options !== undefined) cancellation = new Cancellation(messageTypes[type].name, options);
      this.#send(frame, new Exchange(type, listener, cancellation), cancellation);
    } catch (reason) {
      cancellation?.release();
      listener.fail(WardenError.from(reason));
    }
  }

  /**
   * The v1 mode: a command as a list of words, answered with a plain value: `v1(['run', handle, 'ls'])`. A stream's pieces
   * go to onPiece as they come. Rejects as request() does, and with invalid_argument for what is no command.
   */
  async v1(command: V1Command, { onPiece, ...options }: V1Options = {}): Promise<V1Value> {
    const { type, request } = v1Request(command);
    const reply = new V1Reply(type);
    let value: V1Value = null;
    await this.requestEach(type, request, (response) => {
      value = reply.value(response);
      if (type === Type.Stream) onPiece?.(value as V1StreamValue);
    }, options);
    return value;
  }

  /** Closes the connection; calls without a reply, and later ones, are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#live = undefined;
    const connection = await this.#connection?.catch(() => undefined);
    connection?.close(closedError());
    await connection?.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(plain: Uint8Array, pending: Pending, cancellation: Cancellation | undefined, stream?: ReplyStream<{ readonly data: Uint8Array }, unknown>): void {
    // Before anything is waited for: the trace is that of whoever calls.
    const frame = this.traceparent === undefined ? plain : traced(plain, this.traceparent);
    const connection = this.#live;
    // Behind those that wait for the connection: calls are sent in the order in which they were made. One that may be given up at once waits until that cannot be any more: it need not have been sent.
    if (connection === undefined || this.#waiting > 0 || cancellation?.hasSignal === true) {
      this.#waiting++;
      void this.#sendWhenConnected(frame, pending, cancellation, stream);
      return;
    }
    stream?.attach(connection);
    connection.send(frame, pending);
    cancellation?.listen((error) => connection.abandon(pending, error));
  }

  async #sendWhenConnected(frame: Uint8Array, pending: Pending, cancellation: Cancellation | undefined, stream?: ReplyStream<{ readonly data: Uint8Array }, unknown>): Promise<void> {
    try {
      // Every call waits for the same promise, so they are sent in the order in which they were made.
      let connection = await unlessCanceled(this.#connect(), cancellation);
      // A connection may fail between the moment it is there and this one: nothing was sent, so another may be tried.
      if (connection.failed) connection = await unlessCanceled(this.#connect(), cancellation);
      cancellation?.throwIfCanceled();
      stream?.attach(connection);
      connection.send(frame, pending);
      cancellation?.listen((error) => connection.abandon(pending, error));
    } catch (reason) {
      pending.fail(WardenError.from(reason));
    } finally {
      this.#waiting--;
    }
  }

  /** @internal A request whose replies are a stream of pieces. */
  openStream<S extends ReplyStream<{ readonly data: Uint8Array }, unknown>>(make: (onEnd: () => void) => S, name: string, encode: () => Uint8Array, options: CallOptions | undefined): S {
    let cancellation: Cancellation | undefined;
    const stream = make(() => cancellation?.release());
    try {
      const frame = encode();
      cancellation = options === undefined ? undefined : new Cancellation(name, options);
      this.#send(frame, stream, cancellation, stream);
    } catch (reason) {
      stream.fail(WardenError.from(reason));
    }
    return stream;
  }

  #connect(): Promise<Connection> {
    if (this.#closed) return Promise.reject(closedError());
    return this.#connection ??= this.#open();
  }

  #open(): Promise<Connection> {
    const opening = Connection.open(this.address, { connectTimeoutMs: this.#connectTimeoutMs, maxFrameLength: this.#maxFrameLength });
    const forget = (error: WardenError): void => {
      if (this.#connection === opening) {
        this.#connection = undefined;
        this.#live = undefined;
      }
      this.#onDisconnected?.(error);
    };
    opening.then((connection) => {
      if (!this.#closed) this.#live = connection;
      this.#onConnected?.();
      connection.onFailure(forget);
    }, forget);
    return opening;
  }
}

function closedError(): WardenError {
  return new WardenError('unavailable', 'the client is closed');
}
