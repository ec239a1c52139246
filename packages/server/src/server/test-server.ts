/** A server on the machine in memory with a socket of its own, and clients that send raw bytes; for tests. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeResponse, encodeRequest, FrameDecoder, type AnyResponse, type RequestInit, type RequestType } from 'warden-protocol';
import { makeTestContainers, type TestContainers } from '../container/test-containers.js';
import { makeHandlers, type Handlers } from './handlers.js';
import type { Images } from './image-handlers.js';
import { Listener } from './listener.js';
import type { SessionOptions } from './session-options.js';

/** Sends requests, or whatever bytes, and collects responses. */
export class TestClient {
  readonly responses: AnyResponse[] = [];
  readonly #decoder = new FrameDecoder({ maxLength: 99_999_999 });
  #changed: () => void = () => undefined;
  closed = false;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#decoder.push(chunk);
      for (let payload = this.#decoder.next(); payload !== undefined; payload = this.#decoder.next()) this.responses.push(decodeResponse(payload));
      this.#changed();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  send<T extends RequestType>(type: T, request: RequestInit<T>): void {
    this.socket.write(encodeRequest(type, request));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async call<T extends RequestType>(type: T, request: RequestInit<T>): Promise<AnyResponse> {
    const before = this.responses.length;
    this.send(type, request);
    await this.until(() => this.responses.length > before || this.closed);
    const response = this.responses[before];
    if (response === undefined) throw new Error('the connection was closed');
    return response;
  }
}

export class TestServer {
  readonly directory = mkdtempSync(join(tmpdir(), 'warden-session-'));
  readonly path = join(this.directory, 'w.sock');
  readonly warnings: string[] = [];
  readonly lines: { level: string; facts: object }[] = [];
  writesDebug = true;
  readonly listener: Listener;
  readonly #clients: TestClient[] = [];

  constructor(private readonly onAnswered?: SessionOptions['onAnswered'], private readonly images?: Images, readonly scene: TestContainers = makeTestContainers()) {
    this.listener = this.listenerAt(this.path, { permissions: 0o640, maxConnections: 50 });
  }

  listenerAt(path: string, { permissions, maxConnections, handlers }: { permissions: number; maxConnections: number; handlers?: Partial<Handlers> }): Listener {
    return new Listener({
      path,
      permissions,
      maxConnections,
      handlers: { ...makeHandlers(this.scene.containers, this.images), ...handlers },
      clock: this.scene.host.clock,
      unfinishedLimitInBytes: 4 * 1024 * 1024,
      log: {
        debug: (facts) => void this.lines.push({ level: 'debug', facts }),
        info: (facts) => void this.lines.push({ level: 'info', facts }),
        warn: (facts, message) => this.#warn('warn', facts, message),
        error: (facts, message) => this.#warn('error', facts, message),
        isLevelEnabled: (level) => level !== 'debug' || this.writesDebug,
      },
      onAnswered: (type, seconds, code) => this.onAnswered?.(type, seconds, code),
      onConnected: (client) => this.scene.containers.references.connect(client),
      onDisconnected: (client) => this.scene.containers.references.disconnect(client),
    });
  }

  #warn(level: string, facts: object, message: string): void {
    this.lines.push({ level, facts });
    this.warnings.push(message);
  }

  async connect(options: { allowHalfOpen?: boolean; path?: string } = {}): Promise<TestClient> {
    const socket = createConnection({ path: this.path, ...options });
    await once(socket, 'connect');
    const client = new TestClient(socket);
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    await this.listener.drain(1000);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
