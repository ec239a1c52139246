/**
 * The resolver process: started when the first container needs it, and again when it dies while there are any; it ends with wardend, whose
 * end it sees from their channel. What a name opens is decided and done here, not there.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WardenError } from 'warden-protocol';
import type { Ipv4Address } from '../../lib/ipv4.js';
import type { Log } from '../../lib/log.js';
import { readFromResolver, type FromResolver, type ToResolver } from '../../lib/resolver-messages.js';
import { startTimer, type Clock } from '../../lib/timer.js';
import type { FoundAddress, Resolver } from '../resolver.js';

const program = fileURLToPath(new URL('../../resolver/main.js', import.meta.url));
/** It needs a third of that. */
const heapLimitInMiB = 96;
const startDeadlineMs = 15_000;
/** Between two starts, doubled after each one that did not last as long as the longest pause. */
const shortestPauseMs = 100;
const longestPauseMs = 30_000;
/** What of its standard error is kept in one log line. */
const stderrLineLimit = 2000;

export interface ResolverOptions {
  /** Configured name servers; none: those of the host. */
  readonly servers: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Has containers' questions redirected to this port of the host, in place of the one before (0: none), and calls `done` as soon as they are. */
  readonly announce: (port: number, before: number, done: () => void) => Promise<void>;
  /** Opens a name's addresses to a container. @returns those that are open now */
  readonly open: (client: Ipv4Address, name: string, found: readonly FoundAddress[]) => Promise<readonly Ipv4Address[]>;
}

export class ResolverProcess implements Resolver {
  readonly #clients = new Map<Ipv4Address, readonly string[]>();
  #child: ChildProcess | undefined;
  #starting: Promise<void> | undefined;
  #port = 0;
  #pauseMs = shortestPauseMs;
  #cancelRestart: () => void = () => undefined;
  #closed = false;
  /** How often it was gone and had to be started again. */
  restarts = 0;

  constructor(private readonly options: ResolverOptions) {}

  /** Where it listens; 0: nowhere yet. */
  get port(): number {
    return this.#port;
  }

  /** Starts it before anybody asks. @throws WardenError unavailable */
  async start(): Promise<void> {
    await (this.#child === undefined ? this.#start() : this.#starting);
  }

  async serve(client: Ipv4Address, patterns: readonly string[]): Promise<void> {
    this.#clients.set(client, patterns);
    if (this.#child === undefined) await this.#start();
    else {
      this.#tell({ type: 'serve', client, patterns });
      await this.#starting;
    }
  }

  forget(client: Ipv4Address): void {
    if (this.#clients.delete(client)) this.#tell({ type: 'forget', client });
  }

  /** Ends it; settles when it has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRestart();
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await ended;
  }

  #tell(message: ToResolver): void {
    // A channel that has closed: its end is being told, and a new one learns everything.
    if (this.#child?.connected === true) this.#child.send(message, () => undefined);
  }

  #start(): Promise<void> {
    if (this.#closed) return Promise.reject(new WardenError('unavailable', 'the server is ending'));
    this.#cancelRestart();
    this.#starting = this.#spawn().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  #spawn(): Promise<void> {
    const { clock, log } = this.options;
    return new Promise((resolve, reject) => {
      // A session of its own: ^C at the terminal is for wardend.
      const child = fork(program, [], { execArgv: [`--max-old-space-size=${heapLimitInMiB}`], env: {}, cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      const beganMs = clock.now();
      let words = '';
      this.#child = child;
      const cancelDeadline = startTimer(clock, startDeadlineMs, () => child.kill('SIGKILL'));
      const gone = (why: string): void => {
        if (this.#child !== child) return;
        this.#child = undefined;
        cancelDeadline();
        reject(new WardenError('unavailable', `the resolver for domain names cannot be started: ${why}`));
        if (!this.#closed) this.#restartLater(why, clock.now() - beganMs);
      };
      child.once('error', (error) => gone(error.message));
      child.once('close', (code, signal) => gone(`it ended with ${signal ?? `status ${code}`}${words === '' ? '' : `: ${words.trim()}`}`));
      child.stderr?.on('data', (text: Buffer) => {
        words = (words + text.toString('utf8')).slice(-stderrLineLimit);
      });
      child.on('message', (message) => {
        const read = readFromResolver(message);
        if (read === undefined) {
          log.error({ pid: child.pid }, 'the resolver said something that is no message of a resolver, and is ended');
          child.kill('SIGKILL');
        } else if (read.type === 'listening') {
          this.#listens(child, read.port).then(
            () => {
              cancelDeadline();
              resolve();
            },
            (error: unknown) => {
              reject(error);
              child.kill('SIGKILL');
            },
          );
        } else this.#receive(child, read);
      });
      child.send({ type: 'start', port: this.#port, servers: this.options.servers } satisfies ToResolver, () => undefined);
      for (const [client, patterns] of this.#clients) child.send({ type: 'serve', client, patterns } satisfies ToResolver, () => undefined);
    });
  }

  async #listens(child: ChildProcess, port: number): Promise<void> {
    await this.options.announce(port, this.#port, () => {
      this.#port = port;
    });
    this.options.log.info({ pid: child.pid, port }, 'the resolver for domain names answers');
  }

  #receive(child: ChildProcess, message: Exclude<FromResolver, { type: 'listening' }>): void {
    if (message.type === 'problem') {
      this.options.log.warn({ reason: message.text }, 'a name could not be looked up for a container');
      return;
    }
    const { request, client, name, found } = message;
    const answer = (addresses: readonly Ipv4Address[]): void => {
      if (child.connected) child.send({ type: 'opened', request, addresses } satisfies ToResolver, () => undefined);
    };
    this.options.open(client, name, found).then(answer, (error: unknown) => {
      this.options.log.error({ name, err: error }, 'the addresses of a name could not be opened to a container');
      answer([]);
    });
  }

  #restartLater(why: string, livedMs: number): void {
    this.restarts++;
    const { clock, log } = this.options;
    if (livedMs > longestPauseMs) this.#pauseMs = shortestPauseMs;
    if (this.#clients.size === 0) return;
    log.error({ reason: why, pauseMs: this.#pauseMs }, 'the resolver for domain names is gone, and is started again');
    this.#cancelRestart = startTimer(clock, this.#pauseMs, () => {
      // Its end has been told, and it is tried again.
      if (this.#child === undefined) this.#start().catch(() => undefined);
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }
}
