/**
 * What `npm test` and `npm run test:soak` share: the set-up of `npm start`, the search for test files, and their run. Two files
 * run at a time; when all tests are wanted, a virtual machine with those of vm/suite.mjs is one of the two at first. What
 * test-order.mjs wants alone runs at last. Before the last line the slowest files are named; that is `N passed, N failed, N skipped`,
 * and the exit status is 0 only when something passed and nothing failed. WARDEN_MUST_RUN=1 makes every skipped test a failure.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { listSources } from './setup/build.mjs';
import { RUN_PACKAGES, TEST_PACKAGES, VM_PACKAGES } from './setup/debian-packages.mjs';
import { prepareCheckout, reportKernel, root } from './setup/prepare.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { Steps } from './setup/steps.mjs';
import { arrange } from './test-order.mjs';
import { TestReporter } from './test-reporter.mjs';
import { chooseSuite, startSuiteInVirtualMachine } from './vm/suite.mjs';

/** After this, and again and again, a file that is still running is named. */
const PATIENCE_MS = 30_000;
/** Files at a time. The long forms of the soak measure more, and have the time to do so one after the other. */
const AT_ONCE = 2;
const SOAK_AT_ONCE = 1;
/** Folders of test/ whose files need nothing of the machine. */
const LIGHT_FOLDERS = ['test/dist/lint/', 'test/dist/golden/', 'test/dist/harness/'];
/** Long runs only; npm test leaves it out. */
const SOAK_FOLDER = 'test/dist/soak/';
/** What changes settings of the whole machine: only npm run test:vm runs it. */
const MACHINE_FOLDER = 'test/dist/vm/';

/**
 * @typedef {object} TestRun
 * @property {string} command what the person typed
 * @property {readonly string[]} patterns only files whose path contains one of these; none: all
 * @property {boolean} soak the files of test/soak and those that have a long form, which they run
 * @property {number} lightDeadlineMs for each file that needs nothing of the machine
 * @property {number} heavyDeadlineMs for each of the others
 */

/** @param {string} path absolute @returns {string} relative to the checkout, as built */
const builtName = (path) => relative(root, path);

/** @param {string} built @returns {string} the source that it was built from */
export function sourceName(built) {
  return built.replace('/dist/', built.startsWith('packages/') ? '/src/' : '/').replace(/\.js$/, '.ts');
}

/**
 * Whether a test file belongs to a run.
 * @param {string} built path in the checkout, as built
 * @param {string} text of the built file
 * @param {{ soak: boolean, patterns: readonly string[] }} wanted
 */
export function isWanted(built, text, { soak, patterns }) {
  if (patterns.length > 0 && !patterns.some((pattern) => sourceName(built).includes(pattern) || built.includes(pattern))) return false;
  if (built.startsWith(MACHINE_FOLDER)) return false;
  const longOnly = built.startsWith(SOAK_FOLDER);
  const hasLongForm = !built.startsWith('scripts/') && /WARDEN_SOAK|harness\/soak\.js/.test(text);
  return soak ? longOnly || hasLongForm : !longOnly;
}

/** @param {string} built */
export function isHeavy(built) {
  return built.startsWith('test/dist/') && !LIGHT_FOLDERS.some((folder) => built.startsWith(folder));
}

/**
 * @param {{ soak: boolean, patterns: readonly string[] }} wanted
 * @returns {{ light: string[], heavy: string[] }} absolute paths of the test files
 */
function findTests(wanted) {
  const packages = ['protocol', 'client', 'cli', 'server'].map((name) => join(root, 'packages', name, 'dist'));
  const found = [...packages, join(root, 'test/dist'), join(root, 'bench/dist'), join(root, 'scripts')]
    .flatMap(listSources)
    .filter((path) => /\.test\.m?js$/.test(path) && isWanted(builtName(path), readFileSync(path, 'utf8'), wanted));
  return { light: found.filter((path) => !isHeavy(builtName(path))), heavy: found.filter((path) => isHeavy(builtName(path))) };
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
 * Lists beside each other, the files of a list one after the other.
 * @template T
 * @param {readonly (readonly T[])[]} lists
 * @param {readonly Promise<unknown>[]} places one for each list that may be worked on at a time, which is free from then on
 * @param {(file: T) => Promise<void>} run
 */
export async function runLists(lists, places, run) {
  const queue = [...lists];
  await Promise.all(places.map(async (free) => {
    await free;
    for (let list = queue.shift(); list !== undefined; list = queue.shift()) for (const file of list) await run(file);
  }));
}

/**
 * @param {Steps} steps
 * @param {TestRun} options
 * @returns {Promise<number>} exit status
 */
async function prepareAndRun(steps, { command, patterns, soak, lightDeadlineMs, heavyDeadlineMs }) {
  const began = performance.now();
  const virtualMachine = !soak && patterns.length === 0;
  await prepareCheckout(steps, {
    command,
    packages: [...RUN_PACKAGES, ...TEST_PACKAGES, ...(virtualMachine ? VM_PACKAGES : [])],
    nativeTargets: ['release', 'faults'],
  });
  await reportKernel(steps, { depotPath: '/var/tmp', rootfsPath: '/var/tmp' });

  const { light, heavy } = findTests({ soak, patterns });
  const suite = virtualMachine ? chooseSuite([]) : [];
  const total = light.length + heavy.length + suite.length;
  if (total === 0) throw new SetupError(patterns.length === 0 ? 'there is no test file' : `no test file's path contains ${patterns.join(' or ')}`);

  process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --enable-source-maps`.trim();
  if (soak) process.env['WARDEN_SOAK'] = '1';
  const reporter = new TestReporter({ root, total, mustRun: process.env['WARDEN_MUST_RUN'] === '1' });
  reporter.stage('set-up', performance.now() - began);
  const { together, alone } = arrange(heavy.map(builtName));
  const deadlines = new Map([...light.map((file) => /** @type {const} */ ([builtName(file), lightDeadlineMs])), ...heavy.map((file) => /** @type {const} */ ([builtName(file), heavyDeadlineMs]))]);
  const runBuilt = (/** @type {string} */ file) => runFile(join(root, file), deadlines.get(file) ?? heavyDeadlineMs, reporter);

  const begun = performance.now();
  // Its disk is made of the checkout before tests build something there.
  const machine = virtualMachine ? await startSuiteInVirtualMachine(steps, suite, reporter) : { ended: Promise.resolve() };
  const machineEnded = machine.ended.then(() => { if (virtualMachine) reporter.stage('virtual machine', performance.now() - begun); });
  const places = Array.from({ length: soak ? SOAK_AT_ONCE : AT_ONCE }, (_, index) => (index === 1 ? machineEnded : Promise.resolve()));
  await runLists([...light.map((file) => [builtName(file)]), ...together], places, runBuilt);
  await machineEnded;
  reporter.stage('files beside each other', performance.now() - begun);
  const aloneSince = performance.now();
  for (const file of alone) await runBuilt(file);
  reporter.stage('files alone', performance.now() - aloneSince);
  return reporter.finish() ? 0 : 1;
}

/**
 * Runs the tests and sets the exit status of this process.
 * @param {TestRun} options
 */
export async function runTests(options) {
  const steps = new Steps();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.once(signal, () => process.exit(1));
  try {
    process.exitCode = await prepareAndRun(steps, options);
  } catch (error) {
    steps.failure(error);
    process.stdout.write('0 passed, 1 failed, 0 skipped\n');
    process.exitCode = 1;
  }
}
