/**
 * Running a program during set-up: an argument vector (never a shell), a deadline, output read line by line
 * for progress and kept (its last part) for the error message.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const KEPT_LINES = 200;
const KILL_AFTER_MS = 5_000;

/**
 * @typedef {object} ProgramOptions
 * @property {number} deadlineMs after this the program and its children get SIGTERM, and 5 s later SIGKILL
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] complete environment; default: this process's
 * @property {{ uid: number, gid: number }} [user] run as this user
 * @property {string} [input] standard input; default: none
 * @property {(line: string, source: 'stdout' | 'stderr' | 'status') => void} [onLine] called for every line;
 *   'status' is descriptor 3, opened only when statusDescriptor is set
 * @property {boolean} [statusDescriptor]
 */

/**
 * @typedef {object} ProgramResult
 * @property {number | null} status exit status, null when a signal ended it
 * @property {string} signal the name of that signal, else ''
 * @property {boolean} timedOut
 * @property {string} output the last lines of stdout and stderr, in order of arrival
 */

/**
 * Run a program to its end. Never rejects because of the program: a missing program is status 127.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {ProgramOptions} options
 * @returns {Promise<ProgramResult>}
 */
export function runProgram(program, args, options) {
  return new Promise((resolve) => {
    const { onLine } = options;
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      uid: options.user?.uid,
      gid: options.user?.gid,
      // its own process group, so that the deadline ends make's or apt's children too
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', options.statusDescriptor ? 'pipe' : 'ignore'],
    });
    /** @type {string[]} */
    const kept = [];
    let timedOut = false;

    /** @param {unknown} stream @param {'stdout' | 'stderr' | 'status'} source */
    const read = (stream, source) => {
      if (!stream) return;
      const input = /** @type {import('node:stream').Readable} */ (stream);
      createInterface({ input, crlfDelay: Infinity }).on('line', (line) => {
        if (source !== 'status') {
          kept.push(line);
          if (kept.length > KEPT_LINES) kept.shift();
        }
        onLine?.(line, source);
      });
    };
    read(child.stdout, 'stdout');
    read(child.stderr, 'stderr');
    if (options.statusDescriptor) read(child.stdio[3], 'status');

    const signalGroup = (/** @type {NodeJS.Signals} */ signal) => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
      }
    };
    /** @type {NodeJS.Timeout | undefined} */
    let killTimer;
    const deadline = setTimeout(() => {
      timedOut = true;
      signalGroup('SIGTERM');
      killTimer = setTimeout(() => signalGroup('SIGKILL'), KILL_AFTER_MS);
    }, options.deadlineMs);
    // the group does not get the terminal's Ctrl-C, so it must not outlive this process
    const endGroup = () => signalGroup('SIGTERM');
    process.once('exit', endGroup);

    const finish = (/** @type {number | null} */ status, /** @type {string} */ signal) => {
      clearTimeout(deadline);
      clearTimeout(killTimer);
      process.removeListener('exit', endGroup);
      resolve({ status, signal, timedOut, output: kept.join('\n') });
    };
    child.once('error', (error) => {
      kept.push(`${program}: ${error.message}`);
      if (child.pid === undefined) finish(127, '');
    });
    child.once('close', (status, signal) => {
      if (child.pid !== undefined) finish(status, signal ?? '');
    });
    if (options.input !== undefined && child.stdin) {
      child.stdin.on('error', () => undefined); // the program may end without reading it; its status tells
      child.stdin.end(options.input);
    }
  });
}

/**
 * How a program ended, as the second half of a sentence.
 * @param {ProgramResult} result
 * @param {number} deadlineMs
 */
export function describeEnd(result, deadlineMs) {
  if (result.timedOut) return `did not finish within ${Math.round(deadlineMs / 1000)} s`;
  if (result.status === 127) return 'could not be started';
  if (result.signal) return `was ended by ${result.signal}`;
  return `ended with status ${result.status}`;
}
