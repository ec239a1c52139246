/**
 * One connection to a container's monitor. It carries one request at a time and can be used again after the reply, or after
 * EXIT for a request that follows output.
 *
 * Bytes are read into one buffer that is used again and again; the frame reader copies what it keeps. That is four times as
 * fast as 'data' events, which allocate for every read.
 */
import { createConnection, type Socket } from 'node:net';
import { WardenError } from 'warden-protocol';
import { LargeBodies } from '../../lib/large-bodies.js';
import { MonitorGone } from '../monitor.js';
import { monitorEnd } from './monitor-end.js';
import { frameHeader, FrameReader, type Frame } from './wire-codec.js';
import { outputChunk } from './wire.js';

const readBufferSize = 256 * 1024;
/** An OUTPUT frame: position, stream, data. */
const frameLimit = outputChunk + 1024;

export interface FrameHandler {
  frame(frame: Frame): void;
  /** The connection ended, or cannot be understood. Called once. */
  closed(error: WardenError): void;
}

/** Shared by all connections: a chunk is consumed before the next read can begin, because reading is synchronous per event. */
const readBuffer = Buffer.allocUnsafeSlow(readBufferSize);

/** Shared as well. */
const bodies = new LargeBodies(frameLimit);

/** The body of a frame will not be looked at any more; to be called once, or never. */
export function giveBack({ body }: Frame): void {
  bodies.giveBack(body);
}

export class MonitorConnection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader(frameLimit, (size) => bodies.take(size));
  #handler: FrameHandler | undefined;
  /** A message becomes an error, with its stack, when somebody wants to have it: mostly nobody does. */
  #failure: WardenError | string | undefined;

  /** @param onClosed called once when the connection can no longer be used */
  constructor(path: string, private readonly onClosed: (connection: MonitorConnection) => void) {
    this.#socket = createConnection({
      path,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#receive(readBuffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => {
      const message = `no connection to the container's monitor: ${error.message}`;
      const end = monitorEnd(path, 'code' in error ? error.code : undefined);
      this.#fail(message, end === undefined ? undefined : new MonitorGone(message, end === 'destroyed'));
    });
    this.#socket.on('close', () => this.#fail('the container\'s monitor closed the connection'));
  }

  get usable(): boolean {
    return this.#failure === undefined;
  }

  /** Sends a request; every frame from now on goes to `handler`, until the next request. */
  send(request: Buffer, handler: FrameHandler): void {
    this.#handler = handler;
    if (this.#failure !== undefined) {
      this.#handler = undefined;
      handler.closed(errorOf(this.#failure));
      return;
    }
    this.#socket.write(request);
  }

  /** More of the same request. Settles when the kernel has taken it, with true, or the connection can no longer be used. */
  write(type: number, body: Uint8Array): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#failure !== undefined) {
        resolve(false);
        return;
      }
      // What was cut off by the socket's end is told without an error (onWriteComplete in node's stream_base_commons).
      const done = (error?: Error | null): void => resolve((error === undefined || error === null) && !this.#socket.destroyed);
      this.#socket.cork();
      this.#socket.write(frameHeader(type, body.length), body.length === 0 ? done : undefined);
      if (body.length > 0) this.#socket.write(body, done);
      this.#socket.uncork();
    });
  }

  /** The request is over: further frames are an error. */
  release(): void {
    this.#handler = undefined;
    // The last output may have paused it in the very read that also brought the end.
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#fail('the connection was closed');
  }

  #receive(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, (frame) => {
        if (this.#failure !== undefined) return;
        if (this.#handler === undefined) throw new WardenError('protocol', `the monitor sent a frame of type ${frame.type} that nobody asked for`);
        this.#handler.frame(frame);
      });
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #fail(message: string, failure: WardenError | string = message): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#socket.destroy();
    this.onClosed(this);
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.closed(errorOf(this.#failure));
  }
}

function errorOf(failure: WardenError | string): WardenError {
  return typeof failure === 'string' ? new WardenError('unavailable', failure) : failure;
}
