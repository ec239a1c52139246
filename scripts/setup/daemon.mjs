/**
 * One wardend as a child of `npm start`: known to be ready when its socket answers, its log in a file, stopped by
 * SIGTERM. It has a session of its own, so that Ctrl-C in the REPL reaches the REPL alone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, statSync, watch } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 20_000;
const LARGEST_LOG_IN_BYTES = 16 * 1024 * 1024;

/**
 * Whether something accepts connections at a unix socket.
 * @param {string} socketPath
 * @returns {Promise<boolean>}
 */
export function answers(socketPath) {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (/** @type {boolean} */ result) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

export class Daemon {
  /** @type {import('node:child_process').ChildProcess} */
  #child;
  /** @type {Promise<string>} how it ended */
  #ended;

  /**
   * @param {string} root the checkout
   * @param {{ configuration: string, socketPath: string, logPath: string }} options
   */
  constructor(root, { configuration, socketPath, logPath }) {
    this.socketPath = socketPath;
    this.logPath = logPath;
    mkdirSync(dirname(logPath), { recursive: true, mode: 0o750 });
    if ((statSync(logPath, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_LOG_IN_BYTES) renameSync(logPath, `${logPath}.1`);
    const log = openSync(logPath, 'a', 0o640);
    /** Where this daemon's part of the log begins. */
    this.logStart = fstatSync(log).size;
    this.#child = spawn(join(root, 'bin/wardend'), ['--config', configuration], {
      cwd: root,
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` },
    });
    closeSync(log);
    this.running = true;
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      this.#child.once('exit', (status, signal) => resolve(signal ? `was ended by ${signal}` : `ended with status ${status}`));
    });
    void this.#ended.then(() => {
      this.running = false;
    });
  }

  /** How it ended, as the second half of a sentence; waits for that. */
  get ended() {
    return this.#ended;
  }

  /** What it wrote to its log. */
  get log() {
    return readFileSync(this.logPath).subarray(this.logStart).toString('utf8').trimEnd();
  }

  /**
   * Wait until its socket answers.
   * @throws {SetupError} with its log when it ends first or takes too long
   */
  async ready() {
    const directory = dirname(this.socketPath);
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    const watcher = watch(directory);
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new SetupError(`wardend did not answer at ${this.socketPath} within ${READY_DEADLINE_MS / 1000} s. Its log, ${this.logPath}:\n${this.log}`)), READY_DEADLINE_MS);
    });
    const early = this.#ended.then((how) => {
      throw new SetupError(`wardend ${how} before it was ready. Its log, ${this.logPath}:\n${this.log}`);
    });
    try {
      await Promise.race([this.#firstAnswer(watcher), early, tooLong]);
    } finally {
      clearTimeout(timer);
      watcher.close();
      early.catch(() => undefined);
    }
  }

  /** @param {import('node:fs').FSWatcher} watcher */
  async #firstAnswer(watcher) {
    for (;;) {
      const changed = once(watcher, 'change');
      if (await answers(this.socketPath)) return;
      await changed;
    }
  }

  /**
   * SIGTERM, and SIGKILL when that is not heard in time. Containers live on.
   * @returns {Promise<string>} how it ended
   */
  async stop() {
    if (!this.running) return this.#ended;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS);
    const how = await this.#ended;
    clearTimeout(timer);
    return how;
  }
}
