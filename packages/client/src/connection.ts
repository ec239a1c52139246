// One connection: requests go out as they come, replies come back in their order. It lives once; when it breaks, every
// request that has no reply yet fails, because nobody can know whether the server has worked on it.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectOverTls } from 'node:tls';
import { type AnyResponse, decodeResponse, errorOfResponse, FrameDecoder, messageTypes, type RequestType, Type, WardenError } from 'warden-protocol';
import { type Address, connectError, describeAddress, type TlsCredentials } from './address.js';

/**
 * What every connection reads into: who reads takes out of it what is kept before anybody else can. Node takes another one for each read from a
 * function, but misses that when an exception that nobody caught, in whatever part of the program, came in between.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(128 * 1024);

/** Below this, bytes are copied out of a reply of more memory, which would live as long as they. */
const COPY_BELOW = 16 * 1024;

/** One request on its way. Exactly one of `fail` and a `reply` that answers true ends it. */
export interface Pending {
  readonly type: RequestType;
  /** Takes a reply of the request's type; true when it was the last one. */
  reply(response: AnyResponse['response']): boolean;
  fail(error: WardenError): void;
}

export interface ConnectionOptions {
  /** Milliseconds to wait for the connection. */
  connectTimeoutMs: number;
  /** The largest reply accepted, in bytes. */
  maxFrameLength: number;
}

export class Connection {
  readonly #socket: Socket;
  readonly #where: string;
  readonly #decoder: FrameDecoder;
  readonly #pending: Pending[] = [];
  readonly #closed: Promise<void>;
  #failure: WardenError | undefined;
  #failureListener: ((error: WardenError) => void) | undefined;
  #corked = false;
  #paused = false;

  /** Connects. Rejects with unavailable, permission or timeout. */
  static async open(address: Address, options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(address, options);
    await connection.#connected(address, options.connectTimeoutMs);
    return connection;
  }

  private constructor(address: Address, { maxFrameLength }: ConnectionOptions) {
    this.#where = describeAddress(address);
    this.#decoder = new FrameDecoder({ maxLength: maxFrameLength, isTrusted: true });
    if ('tls' in address && address.tls !== undefined) {
      this.#socket = connectTls(address, address.tls);
      this.#socket.on('data', (bytes: Buffer) => {
        if (!this.#read(bytes)) this.#socket.pause();
      });
    } else {
      this.#socket = connect({ ...address, onread: { buffer: READ_BUFFER, callback: (length) => this.#read(READ_BUFFER.subarray(0, length)) } });
    }
    this.#socket.setNoDelay(true);
    this.#closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.on('error', (error) => this.#fail(this.#lost(error)));
    this.#socket.on('close', () => this.#fail(this.#lost()));
  }

  /** True once no request can be sent any more. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Calls the listener when the connection fails, before its requests do; at once when that has happened. */
  onFailure(listener: (error: WardenError) => void): void {
    if (this.#failure === undefined) this.#failureListener = listener;
    else listener(this.#failure);
  }

  /** Settles when the socket is closed, for whatever reason. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Sends a request; when the connection has failed, fails it at once. */
  send(frame: Uint8Array, pending: Pending): void {
    if (this.#failure !== undefined) {
      pending.fail(this.#failure);
      return;
    }
    // One for which nobody waits leaves at once; further ones of a turn of the event loop in one system call.
    if (this.#pending.push(pending) > 1 && !this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  /** Gives up a request. It cannot be recalled on the wire, so the connection goes; the others on it fail as unavailable. */
  abandon(pending: Pending, error: WardenError): void {
    const at = this.#pending.indexOf(pending);
    if (at === -1) return;
    this.#pending.splice(at, 1);
    pending.fail(error);
    this.#fail(new WardenError('unavailable', `the connection to ${this.#where} was closed because another call on it was given up`, { cause: error }));
  }

  /** Stops taking replies from the socket, so that the server has to wait, until resume. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#deliver();
    if (!this.#paused && this.#failure === undefined) this.#socket.resume();
  }

  /** Closes the socket; requests without a reply fail with the error. */
  close(error: WardenError): void {
    this.#fail(error);
  }

  async #connected(address: Address, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const error = new WardenError('timeout', `no connection to the warden server at ${this.#where} within ${timeoutMs} ms`);
        this.#fail(error);
        reject(error);
      }, timeoutMs);
      this.#socket.once('tls' in address && address.tls !== undefined ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.once('error', (error) => {
        clearTimeout(timer);
        reject(connectError(address, error));
      });
    });
  }

  /** Takes what was read; false stops the reading. */
  #read(bytes: Buffer): boolean {
    if (this.#failure !== undefined) return false;
    this.#decoder.lend(bytes);
    this.#deliver();
    this.#decoder.keep();
    return !this.#paused;
  }

  #deliver(): void {
    try {
      while (!this.#paused && this.#failure === undefined) {
        const payload = this.#decoder.next();
        if (payload === undefined) return;
        this.#take(decodeResponse(payload, { lateInfo: true, copyBelow: this.#decoder.isPayloadOwn ? COPY_BELOW : Infinity }));
      }
    } catch (reason) {
      const cause = WardenError.from(reason);
      this.#fail(new WardenError('protocol', `the server at ${this.#where} sent what is no reply: ${cause.message}`, { cause }));
    }
  }

  #take({ type, response }: AnyResponse): void {
    const pending = this.#pending[0];
    if (pending === undefined) throw new WardenError('protocol', 'a reply to nothing');
    if (type === Type.Error) {
      this.#pending.shift();
      pending.fail(errorOfResponse(response));
      return;
    }
    if (type !== pending.type) throw new WardenError('protocol', `a reply to ${messageTypes[type].name} where one to ${messageTypes[pending.type].name} belongs`);
    if (pending.reply(response)) this.#pending.shift();
  }

  #lost(cause?: Error): WardenError {
    return new WardenError('unavailable', `lost the connection to the warden server at ${this.#where}`, cause === undefined ? {} : { cause });
  }

  #fail(error: WardenError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    this.#failureListener?.(error);
    for (const pending of this.#pending.splice(0)) pending.fail(error);
  }
}

function connectTls({ host, port }: { readonly host: string; readonly port: number }, { ca, certificate, key, serverName }: TlsCredentials): Socket {
  // An address cannot be sent as a server's name; it is still compared with the certificate.
  const name = serverName ?? (isIP(host) === 0 ? host : undefined);
  return connectOverTls({ host, port, ca, cert: certificate, key, minVersion: 'TLSv1.3', ...(name === undefined ? {} : { servername: name }) });
}
