/**
 * `sudo npm run test:vm [-- PATTERN …]`: the set-up of `npm test`, then the tests that vm/suite.mjs names, in a virtual
 * machine. `sudo npm run test:vm -- --on ext4 --run COMMAND` runs a shell command there instead, in the checkout.
 */
import { parseArgs } from 'node:util';
import { RUN_PACKAGES, TEST_PACKAGES, VM_PACKAGES } from './setup/debian-packages.mjs';
import { prepareCheckout, root } from './setup/prepare.mjs';
import { Steps } from './setup/steps.mjs';
import { TestReporter } from './test-reporter.mjs';
import { chooseSuite, runCommandInVirtualMachine, startSuiteInVirtualMachine } from './vm/suite.mjs';

const { values, positionals } = parseArgs({ options: { run: { type: 'string' }, on: { type: 'string' } }, allowPositionals: true });
const steps = new Steps();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.once(signal, () => process.exit(1));
try {
  await prepareCheckout(steps, { command: 'npm run test:vm', packages: [...RUN_PACKAGES, ...TEST_PACKAGES, ...VM_PACKAGES], nativeTargets: ['release', 'faults'] });
  if (values.run !== undefined) {
    process.exitCode = await runCommandInVirtualMachine(steps, values.run, values.on ?? 'ext4');
  } else {
    const suite = chooseSuite(positionals, values.on);
    const reporter = new TestReporter({ root, total: suite.length, mustRun: process.env['WARDEN_MUST_RUN'] === '1' });
    await (await startSuiteInVirtualMachine(steps, suite, reporter)).ended;
    process.exitCode = reporter.finish() ? 0 : 1;
  }
} catch (error) {
  steps.failure(error);
  process.stdout.write('0 passed, 1 failed, 0 skipped\n');
  process.exitCode = 1;
}
