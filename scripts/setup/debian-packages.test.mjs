import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMissingPackages, installPackages } from './debian-packages.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * A machine with these answers, which records what was run.
 * @param {(command: string) => { status?: number | null, output?: string, lines?: string[] }} answer
 */
function machine(answer) {
  /** @type {string[]} */
  const commands = [];
  /** @type {import('./debian-packages.mjs').Run} */
  const run = async (program, args, options) => {
    const command = [program, ...args.filter((arg) => !/^(-o|--quiet|--yes)$|^APT::|^D[Pp]kg::/.test(arg))].join(' ');
    commands.push(command);
    const { status = 0, output = '', lines = [] } = answer(command);
    for (const line of lines) options.onLine?.(line, 'stdout');
    return { status, signal: '', timedOut: false, output };
  };
  return { run, commands };
}

test('one question to dpkg tells what is missing; any of several alternatives will do', async () => {
  const { run, commands } = machine(() => ({ status: 1, lines: ['make installed', 'clang-rt-2 installed', 'strace config-files'] }));
  assert.deepEqual(await findMissingPackages(['make', 'strace', 'clang-rt|clang-rt-2', 'a|b'], run), ['strace', 'a|b']);
  assert.equal(commands.length, 1);
});

test('without dpkg there is no answer', async () => {
  assert.equal(await findMissingPackages(['make'], machine(() => ({ status: 127 })).run), undefined);
});

test('a damaged package database is said', async () => {
  const { run } = machine(() => ({ status: 2, output: 'database is locked' }));
  await assert.rejects(findMissingPackages(['make'], run), (error) => error instanceof SetupError && /status 2: database is locked/.test(error.message));
});

test('missing packages are installed in one go, after one refresh, with the alternative that exists', async () => {
  const { run, commands } = machine((command) => (command === 'apt-cache pkgnames' ? { lines: ['b', 'c'] } : {}));
  assert.deepEqual(await installPackages(['make', 'a|b'], () => undefined, run), ['make', 'b']);
  assert.deepEqual(commands, ['apt-get update', 'apt-cache pkgnames', 'apt-get install --no-install-recommends make b']);
});

test('while another apt holds the lock it is tried again', async () => {
  let refused = 0;
  const { run, commands } = machine((command) => {
    if (!command.startsWith('apt-get install') || refused++ > 0) return {};
    return { status: 100, output: 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (apt)' };
  });
  /** @type {number[]} */
  const waits = [];
  await installPackages(['make'], () => undefined, run, async (ms) => waits.push(ms));
  assert.deepEqual(waits, [2000]);
  assert.equal(commands.filter((command) => command.startsWith('apt-get install')).length, 2);
});

test('a failure names the packages, the reason and what to do', async () => {
  const { run } = machine((command) =>
    command.startsWith('apt-get install') ? { status: 100, output: 'Reading…\nE: Unable to locate package make' } : command.startsWith('apt-get update') ? { status: 100, output: 'E: no network' } : {});
  await assert.rejects(installPackages(['make'], () => undefined, run), (error) => {
    assert.ok(error instanceof SetupError);
    assert.equal(error.message, 'installing make: Unable to locate package make (and before that, apt-get update: no network)');
    assert.match(error.remedy ?? '', /apt-get install make/);
    return true;
  });
});
