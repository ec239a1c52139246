/**
 * `sudo npm test [-- PATTERN …]`: the same set-up as `npm start`, then every test, or those files whose path contains
 * one of the patterns. Tests that need nothing of the machine run two files at a time, those that make containers,
 * compile or measure one after the other. The last line is `N passed, N failed, N skipped`; the exit status is 0 only
 * when something passed and nothing failed. WARDEN_MUST_RUN=1 makes every skipped test a failure.
 */
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { listSources } from './setup/build.mjs';
import { RUN_PACKAGES, TEST_PACKAGES } from './setup/debian-packages.mjs';
import { prepareCheckout, reportKernel, root } from './setup/prepare.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { Steps } from './setup/steps.mjs';
import { TestReporter } from './test-reporter.mjs';

const LIGHT_DEADLINE_MS = 2 * 60_000;
/** The native programs' tests take longest: they are compiled first, under the sanitizers. */
const HEAVY_DEADLINE_MS = 6 * 60_000;
/** After this, and again and again, a file that is still running is named. */
const PATIENCE_MS = 30_000;
const PARALLEL = 2;
/** Folders of test/ whose files need nothing of the machine. */
const LIGHT_FOLDERS = ['test/dist/lint/', 'test/dist/golden/', 'test/dist/harness/'];

/** @returns {{ light: string[], heavy: string[] }} absolute paths of the test files */
function findTests() {
  const packages = ['protocol', 'client', 'cli', 'server'].map((name) => join(root, 'packages', name, 'dist'));
  const found = [...packages, join(root, 'test/dist'), join(root, 'bench/dist'), join(root, 'scripts')]
    .flatMap(listSources)
    .filter((path) => /\.test\.m?js$/.test(path));
  const isHeavy = (/** @type {string} */ path) => {
    const name = relative(root, path);
    return name.startsWith('test/dist/') && !LIGHT_FOLDERS.some((folder) => name.startsWith(folder));
  };
  return { light: found.filter((path) => !isHeavy(path)), heavy: found.filter(isHeavy) };
}

/**
 * Run one test file in a process of its own.
 * @param {string} file
 * @param {number} deadlineMs
 * @param {TestReporter} reporter
 */
async function runFile(file, deadlineMs, reporter) {
  reporter.begin(file);
  const stream = run({ files: [file], concurrency: 1, signal: AbortSignal.timeout(deadlineMs) });
  const reminder = setInterval(() => reporter.remind(file), PATIENCE_MS);
  for await (const event of stream) reporter.handle(file, event);
  clearInterval(reminder);
  reporter.end(file);
}

/**
 * @param {readonly string[]} files
 * @param {number} atOnce
 * @param {number} deadlineMs for each
 * @param {TestReporter} reporter
 */
async function runFiles(files, atOnce, deadlineMs, reporter) {
  const queue = [...files];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await runFile(file, deadlineMs, reporter);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** @param {Steps} steps */
async function main(steps) {
  const patterns = process.argv.slice(2);
  await prepareCheckout(steps, {
    command: 'npm test',
    packages: [...RUN_PACKAGES, ...TEST_PACKAGES],
    nativeTargets: ['release', 'faults'],
  });
  await reportKernel(steps, { depotPath: '/var/tmp', rootfsPath: '/var/tmp' });

  const { light, heavy } = findTests();
  const chosen = (/** @type {string} */ path) => {
    const built = relative(root, path);
    const source = built.replace('/dist/', built.startsWith('packages/') ? '/src/' : '/').replace(/\.js$/, '.ts');
    return patterns.length === 0 || patterns.some((pattern) => source.includes(pattern) || built.includes(pattern));
  };
  const [first, second] = [light.filter(chosen), heavy.filter(chosen)];
  if (first.length + second.length === 0) throw new SetupError(`no test file's path contains ${patterns.join(' or ')}`);

  process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --enable-source-maps`.trim();
  const reporter = new TestReporter({ root, total: first.length + second.length, mustRun: process.env['WARDEN_MUST_RUN'] === '1' });
  await runFiles(first, PARALLEL, LIGHT_DEADLINE_MS, reporter);
  await runFiles(second, 1, HEAVY_DEADLINE_MS, reporter);
  return reporter.finish() ? 0 : 1;
}

const steps = new Steps();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main(steps);
} catch (error) {
  steps.failure(error);
  process.stdout.write('0 passed, 1 failed, 0 skipped\n');
  process.exitCode = 1;
}
