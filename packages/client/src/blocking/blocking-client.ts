// The blocking client, for scripts: the calls of the promise client, each of which returns when it has its answer.
//
// A worker thread has the connection. The thread that asks sleeps until the worker has answered, so nothing else of the
// program runs meanwhile: no timers, no other promises. A server wants WardenClient.
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type RequestInit, Type, WardenError } from 'warden-protocol';
import { type Address, addressOf, checkAddress } from '../address.js';
import type { ClientOptions, LogsRange } from '../client.js';
import type { LogsChunk, LogsResult, OutputChunk, StreamResult } from '../job-stream.js';
import { type V1Command, v1Request } from '../v1/request.js';
import { V1Reply, type V1StreamValue, type V1Value } from '../v1/value.js';
import { blockingFiles, blockingImages, blockingRootfs, type BlockingCallOptions, type BlockingCalls, type BlockingFiles, type BlockingImages, type BlockingRootfs, CALLS } from './calls.js';
import { type Answer, errorOfPlain, type Question, SIGNAL, type WorkerSettings } from './messages.js';
import { BlockingBytes, BlockingOutput } from './output.js';

export interface BlockingOptions extends Pick<ClientOptions, 'connectTimeoutMs' | 'maxFrameLength'> {
  /** W3C's traceparent of every request. */
  traceparent?: string | undefined;
}

/** The worker is a file of ours and starts at once, or never. */
const WORKER_START_TIMEOUT_MS = 30_000;

export interface BlockingClient extends BlockingCalls {}

export class BlockingClient {
  readonly address: Address;
  /** A container's files. */
  readonly files: BlockingFiles;
  /** Images of the server. */
  readonly images: BlockingImages;
  /** Names of root file systems on the server's host. */
  readonly rootfs: BlockingRootfs;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal: Int32Array;
  #closed = false;

  static {
    for (const method of CALLS) {
      Object.defineProperty(this.prototype, method, {
        configurable: true,
        writable: true,
        value(this: BlockingClient, ...values: unknown[]) {
          return this.#ask({ ask: 'call', method, values });
        },
      });
    }
  }

  /** A client with a connection. Throws unavailable, permission or timeout. */
  static connect(address?: Address | string, options: BlockingOptions = {}): BlockingClient {
    const client = new BlockingClient(address, options);
    try {
      client.#ask({ ask: 'call', method: 'connect', values: [] });
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** A client that connects at its first call. Throws invalid_argument for an address that cannot be one. */
  constructor(address?: Address | string, { connectTimeoutMs, maxFrameLength, traceparent }: BlockingOptions = {}) {
    this.address = addressOf(address);
    checkAddress(this.address);
    const shared = new SharedArrayBuffer(SIGNAL.bytes);
    const { port1, port2 } = new MessageChannel();
    this.#signal = new Int32Array(shared);
    this.#port = port1;
    const settings: WorkerSettings = { address: this.address, connectTimeoutMs, maxFrameLength, traceparent, shared };
    // Options of the program, such as --input-type, are not the worker's.
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { port: port2, settings }, transferList: [port2], execArgv: [] });
    // Its end is told by the shared memory.
    this.#worker.on('error', () => undefined);
    // A program ends without closing its client.
    this.#worker.unref();
    this.#port.unref();
    const call = (method: string, values: readonly unknown[]): unknown => this.#ask({ ask: 'call', method, values });
    this.files = blockingFiles(call, (method, values) => {
      const reading = this.#begin(method, values);
      return new BlockingBytes((ask) => this.#ask({ ask, reading }));
    });
    this.images = blockingImages(call);
    this.rootfs = blockingRootfs(call);
  }

  /** The v1 mode: a command as a list of words, answered with a plain value; a stream's pieces go to onPiece as they come. */
  call(command: V1Command, { onPiece, ...options }: BlockingCallOptions & { onPiece?: ((piece: V1StreamValue) => void) | undefined } = {}): V1Value {
    const { type, request } = v1Request(command);
    const reply = new V1Reply(type);
    if (type !== Type.Stream) return reply.value(this.#ask({ ask: 'call', method: 'request', values: [type, request, options] }) as object);
    const stream = this.stream(request, options);
    for (const chunk of stream) onPiece?.(reply.value(chunk) as V1StreamValue);
    const last = reply.value(stream.result());
    onPiece?.(last as V1StreamValue);
    return last;
  }

  /** The output of a job from its first byte, as it comes. `timeoutMs` counts to the end of the job. */
  stream(request: RequestInit<Type.Stream>, options?: BlockingCallOptions): BlockingOutput<OutputChunk, StreamResult> {
    return this.#open('stream', request, options);
  }

  /** The output of a job from any byte, up to what there is, or as it comes with `follow`. The job stays as it is. */
  logs(range: LogsRange, options?: BlockingCallOptions): BlockingOutput<LogsChunk, LogsResult> {
    return this.#open('logs', range, options);
  }

  /** Closes the connections and ends the worker; later calls are refused. */
  close(): void {
    if (this.#closed) return;
    try {
      this.#ask({ ask: 'close' });
    } finally {
      this.#closed = true;
      this.#port.close();
      void this.#worker.terminate();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open<Piece, Result>(method: 'stream' | 'logs', request: object, options: BlockingCallOptions | undefined): BlockingOutput<Piece, Result> {
    const reading = this.#begin(method, [request, options]);
    return new BlockingOutput((ask) => this.#ask({ ask, reading }));
  }

  #begin(method: string, values: readonly unknown[]): number {
    return this.#ask({ ask: 'open', method, values }) as number;
  }

  #ask(question: Question): unknown {
    if (this.#closed) throw new WardenError('unavailable', 'the client is closed');
    this.#post(question);
    for (;;) {
      // The count before the look: an answer that comes behind the look changes it, and the wait ends at once.
      const seen = Atomics.load(this.#signal, SIGNAL.answers);
      const message = receiveMessageOnPort(this.#port) as { message: Answer } | undefined;
      if (message !== undefined) {
        if ('error' in message.message) throw errorOfPlain(message.message.error);
        return message.message.value;
      }
      if (Atomics.load(this.#signal, SIGNAL.ended) !== 0) throw new WardenError('internal', 'the thread of the blocking client has ended; a new client makes another');
      this.#sleep(seen);
    }
  }

  #post(question: Question): void {
    const values = 'values' in question ? question.values : [];
    if (values.some((value) => (value as { signal?: unknown } | undefined)?.signal instanceof AbortSignal)) {
      throw new WardenError('invalid_argument', 'a blocking call cannot be canceled by an AbortSignal: give it timeoutMs');
    }
    try {
      this.#port.postMessage(question);
    } catch (cause) {
      throw new WardenError('invalid_argument', `a blocking call takes plain values: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  /** What the worker asks of the server has its own time-outs; only its start has not. */
  #sleep(seen: number): void {
    if (Atomics.load(this.#signal, SIGNAL.started) !== 0) {
      Atomics.wait(this.#signal, SIGNAL.answers, seen);
    } else if (Atomics.wait(this.#signal, SIGNAL.answers, seen, WORKER_START_TIMEOUT_MS) === 'timed-out') {
      throw new WardenError('timeout', `no answer from the thread of the blocking client within ${WORKER_START_TIMEOUT_MS} ms`);
    }
  }
}
