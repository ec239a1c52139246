/**
 * `sudo npm run bench [-- OPTIONS]`: the same set-up as `npm start`, then bench/dist/main.js, which prints its options for --help.
 * Its figures are printed, not asserted; the exit status only tells whether everything could be measured.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { RUN_PACKAGES } from './setup/debian-packages.mjs';
import { prepareCheckout, root } from './setup/prepare.mjs';
import { describeEnd, runProgram } from './setup/program.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { Steps } from './setup/steps.mjs';

const BUILD_DEADLINE_MS = 5 * 60_000;

/** @param {Steps} steps */
async function main(steps) {
  await prepareCheckout(steps, { command: 'npm run bench', packages: RUN_PACKAGES });
  await steps.run('floor program', async () => {
    const result = await runProgram('make', ['-C', join(root, 'bench')], { deadlineMs: BUILD_DEADLINE_MS });
    if (result.status !== 0) throw new SetupError(`make -C bench ${describeEnd(result, BUILD_DEADLINE_MS)}:\n${result.output}`);
    return { text: 'built' };
  });
  const child = spawn(process.execPath, [join(root, 'bench/dist/main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C reaches the child too, which removes what it made; this process waits for it.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill('SIGTERM'));
  const [status] = await once(child, 'exit');
  return typeof status === 'number' ? status : 1;
}

const steps = new Steps();
try {
  process.exitCode = await main(steps);
} catch (error) {
  steps.failure(error);
  process.exitCode = 1;
}
