/**
 * A daemon and its REPL, one for the other: the daemon is started for the REPL and stopped after it. Everything said here goes to standard error; standard
 * output belongs to the commands.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { answers, Daemon } from './daemon.mjs';
import { SetupError } from './setup-error.mjs';
import { formatDuration } from './steps.mjs';

const ENDING_SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @param {NodeJS.Signals} signal */
function statusOf(signal) {
  return 128 + constants.signals[signal];
}

/** @type {import('node:child_process').ChildProcess | undefined} */
let repl;
/** @type {Daemon | undefined} */
let daemon;

/** @param {NodeJS.Signals} signal */
function handleSignal(signal) {
  if (repl) {
    // The terminal's Ctrl-C reaches the REPL by itself; what is sent to this process alone is passed on.
    if (signal !== 'SIGINT') repl.kill(signal);
    return;
  }
  const leave = () => process.exit(statusOf(signal)); // programs of the set-up are ended by runProgram's exit listener
  if (daemon) void daemon.stop().finally(leave);
  else leave();
}

/** To be called first: a signal ends what has been started by then. */
export function handleSignals() {
  for (const signal of ENDING_SIGNALS) process.on(signal, () => handleSignal(signal));
}

/**
 * Run bin/warden with this program's terminal or pipes.
 * @param {string} root
 * @param {string} socketPath
 * @returns {Promise<number>} its exit status
 */
function runRepl(root, socketPath) {
  const program = join(root, 'bin/warden');
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['--socket', socketPath, ...process.argv.slice(2)], {
      stdio: 'inherit',
      env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` },
    });
    repl = child;
    child.once('error', (error) => {
      repl = undefined;
      reject(new SetupError(`starting ${program}: ${error.message}`, { cause: error }));
    });
    child.once('exit', (status, signal) => {
      repl = undefined;
      resolve(signal ? statusOf(signal) : (status ?? 1));
    });
  });
}

/**
 * @param {import('./steps.mjs').Steps} steps
 * @param {{ root: string, configuration: string, socketPath: string, logPath: string, logFile: string | null, begun: number }} options logFile: what the configuration names;
 *   begun: when the set-up did, by performance.now()
 * @returns {Promise<number>} the REPL's exit status: that of its last command
 */
export async function runSession(steps, { root, configuration, socketPath, logPath, logFile, begun }) {
  if (await answers(socketPath)) {
    throw new SetupError(`a wardend already answers at ${socketPath}`, { remedy: `Talk to it: ${join(root, 'bin/warden')} --socket ${socketPath}` });
  }
  const started = new Daemon(root, { configuration, socketPath, logPath });
  daemon = started;
  let finished = false;
  try {
    await steps.run('wardend', async () => {
      await started.ready();
      return { text: `answers at ${socketPath}, log in ${logFile ?? logPath}` };
    });
    steps.line('ok', `ready (${formatDuration(performance.now() - begun)})${process.stdin.isTTY ? '; "help" lists the commands, Ctrl-D ends' : ''}`);
    void started.ended.then((how) => {
      if (!finished) steps.line('fail', `wardend ${how}; the end of its log:\n${started.log.split('\n').slice(-20).join('\n')}`);
    });
    return await runRepl(root, socketPath);
  } finally {
    finished = true;
    await started.stop();
  }
}
