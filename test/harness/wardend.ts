/* One daemon process: started, known to be ready by its first answered ping, stopped or killed by its own pid. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Client } from './client.js';
import { configurationText, pathsOf } from './configuration.js';
import type { Overrides, Paths } from './configuration.js';
import { wardendProgram } from './paths.js';
import { findProcesses, parentOf } from './processes.js';
import type { Slot } from './slot.js';
import { nextEvent, untilClean, withDeadline } from './wait.js';

const READY_MS = 15_000;
const EXIT_MS = 15_000;
const LOGGED_MS = 10_000;

export interface StartOptions extends Overrides {
  /** Put in front of wardend's command line, for example ['prlimit', '--nofile=64']. */
  readonly prefix?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Descriptors of ours that the daemon gets as 3, 4, …. */
  readonly extraDescriptors?: readonly number[];
}

export class Wardend {
  readonly paths: Paths;
  readonly child: ChildProcess;
  readonly #exited: Promise<number | NodeJS.Signals>;

  private constructor(paths: Paths, child: ChildProcess) {
    this.paths = paths;
    this.child = child;
    this.#exited = once(child, 'exit').then(([status, signal]) => (status ?? signal) as number | NodeJS.Signals);
  }

  /** Starts the process without waiting for it to become ready. */
  static spawn(slot: Slot, options: StartOptions = {}): Wardend {
    const paths = pathsOf(slot);
    mkdirSync(dirname(paths.socket), { recursive: true, mode: 0o755 });
    writeFileSync(paths.configuration, configurationText(slot, options));
    const log = openSync(paths.log, 'a', 0o644);
    const [program = wardendProgram, ...args] = [...options.prefix ?? [], wardendProgram, '--config', paths.configuration];
    const child = spawn(program, args, {
      stdio: ['ignore', log, log, ...options.extraDescriptors ?? []],
      env: options.environment ?? process.env,
    });
    closeSync(log);
    return new Wardend(paths, child);
  }

  static async start(slot: Slot, options: StartOptions = {}): Promise<Wardend> {
    const daemon = Wardend.spawn(slot, options);
    await daemon.ready();
    return daemon;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${wardendProgram} could not be started`);
    return this.child.pid;
  }

  /** The launcher is wardend's child. */
  get launcherPid(): number {
    const [pid] = findProcesses((candidate, command) => parentOf(candidate) === this.pid && /launcher/.test(command));
    if (pid === undefined) throw new Error('wardend has no launcher');
    return pid;
  }

  get log(): string { return existsSync(this.paths.log) ? readFileSync(this.paths.log, 'utf8') : ''; }

  /** Waits until the log has `count` lines with `text` behind its first `from` characters. It is written at once, so that its change is the event. */
  async logged(text: string, { count = 1, from = 0 } = {}): Promise<void> {
    const watcher = watch(this.paths.log);
    const missing = (): string[] => (this.log.slice(from).split(text).length > count ? [] : [`${count} lines with: ${text}`]);
    const left = await untilClean(missing, () => nextEvent(watcher, 'change'), LOGGED_MS);
    watcher.close();
    if (left.length > 0) throw new Error(`the log (${this.paths.log}) does not have ${left.join()}`);
  }

  /** Waits for the socket to appear in its directory and for the first answer. */
  async ready(): Promise<void> {
    const directory = dirname(this.paths.socket);
    const watcher = watch(directory);
    try {
      await withDeadline(Promise.race([this.#firstAnswer(watcher), this.#failedStart()]), READY_MS, `wardend ready (log: ${this.paths.log})`);
    } finally {
      watcher.close();
    }
  }

  async #firstAnswer(watcher: ReturnType<typeof watch>): Promise<void> {
    for (;;) {
      const changed = once(watcher, 'change');
      try {
        const client = await Client.connect(this.paths.socket);
        await client.ping();
        client.close();
        return;
      } catch {
        await changed;
      }
    }
  }

  async #failedStart(): Promise<never> {
    const status = await this.#exited;
    throw new Error(`wardend ended with ${status} before it was ready:\n${this.log}`);
  }

  /** Exit status, or the signal that ended it. */
  exited(milliseconds = EXIT_MS): Promise<number | NodeJS.Signals> {
    return withDeadline(this.#exited, milliseconds, 'end of wardend');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return await this.exited();
  }
}
