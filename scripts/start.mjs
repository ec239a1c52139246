/**
 * `sudo npm start`: set up what is missing, check the kernel, start wardend with config/linux.yml, open the REPL, and
 * stop wardend afterwards. Everything this program says goes to standard error; standard output belongs to the
 * commands. Its exit status is the REPL's: that of the last command.
 */
import { join } from 'node:path';
import { RUN_PACKAGES } from './setup/debian-packages.mjs';
import { prepareCheckout, prepareMachine, readServerPaths, reportKernel, root } from './setup/prepare.mjs';
import { handleSignals, runSession } from './setup/session.mjs';
import { Steps } from './setup/steps.mjs';

const CONFIGURATION = join(root, 'config/linux.yml');
const LOG = '/var/log/warden/wardend.log';

/** @param {Steps} steps */
async function main(steps) {
  const begun = performance.now();
  await prepareCheckout(steps, { command: 'npm start', packages: RUN_PACKAGES });
  const paths = await readServerPaths(CONFIGURATION);
  await prepareMachine(steps, paths);
  await reportKernel(steps, paths);
  return await runSession(steps, { root, configuration: CONFIGURATION, socketPath: paths.socketPath, logPath: LOG, logFile: paths.logging.file, begun });
}

const steps = new Steps();
handleSignals();
try {
  process.exitCode = await main(steps);
} catch (error) {
  steps.failure(error);
  process.exitCode = 1;
}
