/**
 * `sudo npm start`: set up what is missing, check the kernel, start wardend with config/linux.yml, open the REPL, and
 * stop wardend afterwards. Everything this program says goes to standard error; standard output belongs to the
 * commands. Its exit status is the REPL's: that of the last command.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { answers, Daemon } from './setup/daemon.mjs';
import { RUN_PACKAGES } from './setup/debian-packages.mjs';
import { prepareCheckout, prepareMachine, readServerPaths, reportKernel, root } from './setup/prepare.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { formatDuration, Steps } from './setup/steps.mjs';

const CONFIGURATION = join(root, 'config/linux.yml');
const LOG = '/var/log/warden/wardend.log';
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

/**
 * Run bin/warden with this program's terminal or pipes.
 * @param {string} socketPath
 * @returns {Promise<number>} its exit status
 */
function runRepl(socketPath) {
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

/** @param {Steps} steps */
async function main(steps) {
  const begun = performance.now();
  await prepareCheckout(steps, { command: 'npm start', packages: RUN_PACKAGES });
  const paths = await readServerPaths(CONFIGURATION);
  await prepareMachine(steps, paths);
  await reportKernel(steps, paths);

  if (await answers(paths.socketPath)) {
    throw new SetupError(`a wardend already answers at ${paths.socketPath}`, { remedy: `Talk to it: ${join(root, 'bin/warden')} --socket ${paths.socketPath}` });
  }
  const started = new Daemon(root, { configuration: CONFIGURATION, socketPath: paths.socketPath, logPath: LOG });
  daemon = started;
  let finished = false;
  try {
    await steps.run('wardend', async () => {
      await started.ready();
      return { text: `answers at ${paths.socketPath}, log in ${paths.logging.file ?? LOG}` };
    });
    steps.line('ok', `ready (${formatDuration(performance.now() - begun)})${process.stdin.isTTY ? '; "help" lists the commands, Ctrl-D ends' : ''}`);
    void started.ended.then((how) => {
      if (!finished) steps.line('fail', `wardend ${how}; the end of its log:\n${started.log.split('\n').slice(-20).join('\n')}`);
    });
    return await runRepl(paths.socketPath);
  } finally {
    finished = true;
    await started.stop();
  }
}

const steps = new Steps();
for (const signal of ENDING_SIGNALS) process.on(signal, () => handleSignal(signal));
try {
  process.exitCode = await main(steps);
} catch (error) {
  steps.failure(error);
  process.exitCode = 1;
}
