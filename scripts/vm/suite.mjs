/**
 * Which tests run in the virtual machine, on which depot, and how what they report there comes into the host's report.
 * Emulation is ten to twenty times slower: these are the tests that another kernel, pure cgroup v2, or quotas can break.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/prepare.mjs';
import { SetupError } from '../setup/setup-error.mjs';
import { DEPOTS } from './depots.mjs';
import { runMachine } from './machine.mjs';
import { prepareVirtualMachine } from './prepare.mjs';
import { compileProbes } from './probes.mjs';
import { ResultReader } from './results.mjs';

const MINUTE_MS = 60_000;
/** Each is more than twice what is usual, for tests of the host run beside the machine. */
const SUITE_DEADLINE_MS = 40 * MINUTE_MS;
const FILE_DEADLINE_MS = 15 * MINUTE_MS;
/** After this, and again and again, a file that is still running is named. */
const PATIENCE_MS = 30_000;
/** The tests' deadlines, which only turn a hang into a failure, times this. */
const PATIENCE = 15;

/**
 * By depot, built test files, and of some only the tests whose names match. The depots' lists run beside each other; keep their times alike.
 * @type {Readonly<Record<string, readonly { file: string, only?: readonly string[] }[]>>}
 */
export const SUITE = {
  ext4: [
    { file: 'test/dist/e2e/limit-memory.test.js' },
    { file: 'test/dist/e2e/limit-disk.test.js' },
    { file: 'test/dist/integration/quotas.test.js', only: ['^project: every container', '^project: root of a container', '^project: a limit of inodes'] },
    { file: 'test/dist/e2e/out-of-memory.test.js', only: ['^(?!.*SIGTERM)'] },
    { file: 'test/dist/integration/limits-survive.test.js', only: ['^what is answered', ' after SIGKILL'] },
    { file: 'test/dist/integration/cgroups.test.js', only: ['the usual choice', 'stay in their container'] },
    { file: 'test/dist/e2e/info.test.js' },
    { file: 'test/dist/e2e/limit-cpu.test.js' },
    { file: 'test/dist/e2e/image-store.test.js', only: ['^an image has up to'] },
    { file: 'test/dist/e2e/copy-in.test.js', only: ['^a tree arrives'] },
  ],
  xfs: [
    { file: 'test/dist/integration/bandwidth.test.js', only: ['^without a limit', '^a limit is in force in both', '^packets of both', '^what a container'] },
    { file: 'test/dist/e2e/limit-disk.test.js' },
    { file: 'test/dist/integration/quotas.test.js', only: ['^auto takes', '^project: every container', '^project: limits outlive'] },
    { file: 'test/dist/e2e/compatibility/lifecycle.test.js' },
    { file: 'test/dist/integration/bind-mounts.test.js', only: ['^in a writable one vcap', '^single files'] },
    { file: 'test/dist/integration/network.test.js', only: ['reach', 'closed by default', 'a reply to what'] },
    { file: 'test/dist/integration/domain-names.test.js', only: ['^a name in the rules', '^DNS rebinding'] },
    { file: 'test/dist/attack/wildcards.test.js', only: ['^C6: no wildcard'] },
    { file: 'test/dist/attack/log-flood.test.js' },
    { file: 'test/dist/attack/connection-flood.test.js', only: ['^C7: what is refused'] },
  ],
  'ext4-user': [
    { file: 'test/dist/integration/quotas.test.js', only: ['^user: '] },
    { file: 'test/dist/vm/core-pattern.test.js' },
    { file: 'test/dist/integration/hooks.test.js', only: ['^the parent', '^the child'] },
    { file: 'test/dist/integration/nested.test.js', only: ['^a wardend in a container'] },
    { file: 'test/dist/integration/net-out.test.js', only: ['^a wildcard opens'] },
    { file: 'test/dist/integration/net-in.test.js', only: ['^a port of the host leads', '^UDP, also'] },
    { file: 'test/dist/integration/connection-caps.test.js', only: ['^connections beyond the limit'] },
    { file: 'test/dist/attack/container-matrix.test.js', only: ['^C5: of twenty containers those'] },
    { file: 'test/dist/attack/raw-frames.test.js', only: ['^C3, C4: frames with forged'] },
    { file: 'test/dist/attack/host-services.test.js', only: ['^C1, C2, C6: no address', '^C8: from the local network'] },
  ],
};

/** @typedef {{ depot: string, file: string, only?: readonly string[] }} SuiteEntry only: regular expressions, one of which a test's name has to match */

/** @param {string} depot */
function requireDepot(depot) {
  if (!DEPOTS.some(({ name }) => name === depot)) throw new SetupError(`there is no depot ${depot} in the virtual machine, only ${DEPOTS.map(({ name }) => name).join(', ')}`);
}

/**
 * @param {readonly string[]} patterns only files whose path contains one of these; none: all. One that names a file outside of the suite runs it nevertheless.
 * @param {string} [depot] only this one
 * @returns {SuiteEntry[]}
 */
export function chooseSuite(patterns, depot) {
  if (depot !== undefined) requireDepot(depot);
  const all = Object.entries(SUITE).flatMap(([name, files]) => files.map((entry) => ({ depot: name, ...entry })));
  const chosen = all.filter(({ depot: name, file }) => (depot === undefined || name === depot) && (patterns.length === 0 || patterns.some((pattern) => file.includes(pattern))));
  const further = patterns.filter((pattern) => pattern.endsWith('.js') && existsSync(join(root, pattern)) && !chosen.some(({ file }) => file === pattern))
    .map((file) => ({ depot: depot ?? 'ext4', file }));
  if (chosen.length + further.length === 0) throw new SetupError(`no test of the virtual machine's suite has a path that contains ${patterns.join(' or ')}`);
  return [...chosen, ...further];
}

/**
 * Makes the machine and starts it. What goes wrong is a failure of the files that did not come to their end, whenever it does.
 * @param {import('../setup/steps.mjs').Steps} steps
 * @param {readonly SuiteEntry[]} suite
 * @param {import('../test-reporter.mjs').TestReporter} reporter
 * @returns {Promise<{ ended: Promise<void> }>} when it runs; `ended`, which is never rejected: everything is reported, and the machine's files are gone
 */
export async function startSuiteInVirtualMachine(steps, suite, reporter) {
  const depots = [...new Set(suite.map(({ depot }) => depot))];
  const plan = {
    fileDeadlineMs: FILE_DEADLINE_MS,
    environment: { WARDEN_TEST_PATIENCE: String(PATIENCE), NODE_OPTIONS: '--enable-source-maps' },
    files: Object.fromEntries(depots.map((name) => [name, suite.filter(({ depot }) => depot === name).map(({ file, only }) => ({ file, only: only ?? [] }))])),
  };
  const results = new ResultReader(suite, reporter);
  // What else runs in this process is still to be counted.
  const fail = (/** @type {unknown} */ error) => results.finish({ timedOut: false, how: `could not be made or used: ${error instanceof Error ? error.message : String(error)}`, console: [] });
  try {
    await compileProbes(root, suite.map(({ file }) => file));
    const { machine, remove } = await prepareVirtualMachine(steps, { depots, files: { 'plan.json': JSON.stringify(plan) } });
    const reminder = setInterval(() => results.remind(), PATIENCE_MS);
    const ended = runMachine(machine, { deadlineMs: SUITE_DEADLINE_MS, onLine: (depot, line) => results.read(depot, line) })
      .then((end) => results.finish(end)).catch(fail)
      .finally(() => {
        clearInterval(reminder);
        remove();
      });
    return { ended };
  } catch (error) {
    fail(error);
    return { ended: Promise.resolve() };
  }
}

/**
 * @param {import('../setup/steps.mjs').Steps} steps
 * @param {string} command for bash
 * @param {string} depot
 * @returns {Promise<number>} exit status
 */
export async function runCommandInVirtualMachine(steps, command, depot) {
  requireDepot(depot);
  const done = 'the command ended with status ';
  const script = `#!/bin/bash\nexport WARDEN_TEST_PATIENCE=${PATIENCE}\n(\n${command}\n) 2>&1\necho "${done}$?"\n`;
  const { machine, remove } = await prepareVirtualMachine(steps, { depots: [depot], files: { command: script } });
  try {
    let status = 1;
    const end = await runMachine(machine, {
      deadlineMs: SUITE_DEADLINE_MS, onLine: () => undefined,
      onConsole: (line) => {
        process.stdout.write(`${line}\n`);
        if (line.startsWith(done)) status = Number(line.slice(done.length));
      },
    });
    if (end.timedOut) process.stdout.write(`the virtual machine ${end.how}\n`);
    return status;
  } finally {
    remove();
  }
}
