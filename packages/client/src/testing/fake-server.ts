// A server for tests of clients: speaks the protocol over a unix socket in a directory of its own, and answers what the
// test says. Like the real one it works on one request of a connection at a time, in order.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnyRequest, decodeRequest, encodeError, encodeResponse, FrameDecoder, type RequestOf, type RequestType, type ResponseInit, Type,
  WardenError } from 'warden-protocol';

/** One client's connection, for tests that want to break it. */
export interface FakeSession {
  readonly socket: Socket;
}

type Answer<T extends RequestType> = ResponseInit<T> | AsyncIterable<ResponseInit<T>>;

/** What to answer: a response, several (a stream's), or an error that is thrown. Types without a handler are `unsupported`. */
export type FakeHandlers = { [T in RequestType]?: (request: RequestOf<T>, session: FakeSession) => Answer<T> | Promise<Answer<T>> };

/** The bare server below MockServer: answers what its handlers say. */
export class FakeServer {
  readonly path: string;
  /** Every request there was, in the order of arrival. */
  readonly requests: AnyRequest[] = [];
  /** Connections there have been. */
  connections = 0;
  readonly #directory: string;
  readonly #handlers: FakeHandlers;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** Listens at a socket of its own, in a new directory. */
  static async listen(handlers: FakeHandlers = {}): Promise<FakeServer> {
    const server = new FakeServer(handlers);
    await server.start();
    return server;
  }

  private constructor(handlers: FakeHandlers) {
    this.#handlers = { [Type.Ping]: () => ({}), ...handlers };
    this.#directory = mkdtempSync(join(tmpdir(), 'warden-fake-'));
    this.path = join(this.#directory, 'warden.sock');
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Listens on `path`, again after stop(). */
  async start(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.path, resolve));
  }

  /** Closes every connection and stops listening. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.disconnectAll();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Breaks every connection. */
  disconnectAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    const decoder = new FrameDecoder();
    let last = Promise.resolve();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      decoder.push(chunk);
      for (let payload = decoder.next(); payload !== undefined; payload = decoder.next()) {
        const request = decodeRequest(payload);
        this.requests.push(request);
        last = last.then(() => this.#answer(request, { socket }));
      }
    });
  }

  async #answer({ type, request }: AnyRequest, session: FakeSession): Promise<void> {
    const { socket } = session;
    try {
      const handler = this.#handlers[type] as ((request: unknown, session: FakeSession) => unknown) | undefined;
      if (handler === undefined) throw new WardenError('unsupported', `the fake server has no handler for type ${type}`);
      const answer = await handler(request, session);
      if (typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer) {
        for await (const response of answer as AsyncIterable<never>) {
          if (socket.destroyed) return; // an endless answer would otherwise never let the event loop turn again
          await send(socket, encodeResponse(type, response));
        }
      } else {
        await send(socket, encodeResponse(type, answer as never));
      }
    } catch (reason) {
      await send(socket, encodeError(WardenError.from(reason)));
    }
  }
}

/** Settles when the bytes have left, or the socket is gone. */
function send(socket: Socket, frame: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.write(frame, () => resolve());
  });
}
