/**
 * The listening socket. It is bound under a temporary name in a directory that only root can enter, given its permissions and
 * then renamed into place: nobody can connect before the permissions are right, and a server that is alive is not pushed
 * aside. A socket that a dead server left behind is replaced.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { Log } from '../lib/log.js';
import type { Clock } from '../lib/timer.js';
import type { Handlers } from './handlers.js';
import { Line } from './line.js';
import { RefusedPeers } from './refused-peers.js';
import { Session } from './session.js';
import type { SessionOptions } from './session-options.js';
import { UnfinishedFrames } from './unfinished-frames.js';

export interface ListenerOptions {
  readonly path: string;
  /** Mode of the socket. */
  readonly permissions: number;
  /** Of its group; undefined: the server's own. */
  readonly groupId?: number | undefined;
  /** A socket that listens already and that somebody else holds: nothing is made at `path`, and nothing removed. */
  readonly listeningFd?: number | undefined;
  /** Connections beyond this are closed at once. */
  readonly maxConnections: number | undefined;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds that a begun frame may go without a byte. */
  readonly frameIdleMs?: number;
  /** Bytes of requests that wait in the server, of all connections together. */
  readonly unfinishedLimitInBytes?: number;
  readonly onAnswered?: SessionOptions['onAnswered'];
  readonly onConnected: (client: object) => void;
  readonly onDisconnected: (client: object) => void;
}

/** Connections that the kernel keeps while we are busy; net.core.somaxconn caps it. */
const backlog = 1024;

const defaultFrameIdleMs = 60_000;
const defaultUnfinishedLimitInBytes = 256 * 1024 * 1024;

export class Listener {
  readonly #server: Server;
  readonly #unfinishedFrames: UnfinishedFrames;
  readonly #refused: RefusedPeers;
  readonly #line: Line;
  readonly #sessions = new Set<Session>();
  readonly #doors: { close(): void }[] = [];
  #whenEmpty: (() => void) | undefined;
  #inode: number | undefined;

  constructor(private readonly options: ListenerOptions) {
    const { clock, log, frameIdleMs: idleMs = defaultFrameIdleMs, unfinishedLimitInBytes: limitInBytes = defaultUnfinishedLimitInBytes } = options;
    this.#unfinishedFrames = new UnfinishedFrames({ clock, log, idleMs, limitInBytes });
    this.#line = new Line(clock);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.accept(socket));
    if (options.maxConnections !== undefined) this.#server.maxConnections = options.maxConnections;
    this.#refused = new RefusedPeers({ clock, log });
    this.#server.on('drop', () => this.#refused.note({ limit: options.maxConnections }, 'a connection was refused: too many are open'));
  }

  /** @throws WardenError exists when a live server has the socket */
  async check(): Promise<void> {
    if (this.options.listeningFd === undefined) await refuseLiveServer(this.options.path);
  }

  /** @throws WardenError exists when a live server has the socket */
  async listen(): Promise<void> {
    const { path, permissions, groupId, listeningFd } = this.options;
    if (listeningFd !== undefined) {
      await this.#bind({ fd: listeningFd });
      this.#server.on('error', (error) => this.options.log.error({ err: error }, 'the listening socket failed'));
      return;
    }
    const directory = dirname(path);
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    await refuseLiveServer(path);
    const temporary = mkdtempSync(join(directory, '.w'));
    const bound = join(temporary, 's');
    try {
      await this.#bind({ path: bound });
      if (groupId !== undefined) chownSync(bound, -1, groupId);
      chmodSync(bound, permissions);
      this.#inode = lstatSync(bound).ino;
      renameSync(bound, path);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
    this.#server.on('error', (error) => this.options.log.error({ err: error }, 'the listening socket failed'));
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /** Another way in: whoever makes its connections gives them to `accept`; it is closed with the first. */
  addDoor(door: { close(): void }): void {
    this.#doors.push(door);
  }

  /** Stops accepting and ends the sessions: idle ones and those that wait for a job now, others when their request is done. */
  async drain(deadlineMs: number): Promise<void> {
    this.#removeSocket();
    this.#server.close();
    this.#refused.stop();
    for (const door of this.#doors) door.close();
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    for (const session of this.#sessions) session.drain();
    this.#checkEmpty();
    const timer = setTimeout(() => {
      this.options.log.warn({ sessions: this.#sessions.size }, 'closing connections whose requests did not end in time');
      for (const session of this.#sessions) session.destroy();
    }, deadlineMs);
    await empty;
    clearTimeout(timer);
  }

  #bind(where: { readonly path: string } | { readonly fd: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...where, backlog }, () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
  }

  /**
   * A connection whose peer may use the server.
   * @param peer who that is, where it has shown it: for the log
   */
  accept(socket: Socket, peer?: string): void {
    const session: Session = new Session(socket, {
      handlers: this.options.handlers,
      clock: this.options.clock,
      log: this.options.log,
      unfinishedFrames: this.#unfinishedFrames,
      line: this.#line,
      onAnswered: this.options.onAnswered,
      peer,
      onClosed: () => {
        this.#sessions.delete(session);
        this.options.onDisconnected(session);
        this.#checkEmpty();
      },
    });
    this.#sessions.add(session);
    this.options.onConnected(session);
  }

  #checkEmpty(): void {
    if (this.#sessions.size === 0) this.#whenEmpty?.();
  }

  /** Only our own socket: another server may have replaced it. */
  #removeSocket(): void {
    const { path } = this.options;
    if (this.#inode === undefined) return;
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === this.#inode) unlinkSync(path);
  }
}

/** Connecting succeeds only while a server listens; a socket without one is a leftover. */
function refuseLiveServer(path: string): Promise<void> {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return Promise.resolve();
  if (!status.isSocket()) {
    return Promise.reject(new WardenError('exists', `${path} exists and is not a socket: remove it or set server.unix_domain_path`));
  }
  return new Promise((resolve, reject) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      reject(new WardenError('exists', `another server is listening on ${path}: stop it or set server.unix_domain_path`));
    });
    probe.once('error', () => resolve());
  });
}
