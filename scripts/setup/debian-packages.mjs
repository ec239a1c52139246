/**
 * The Debian packages that building, running and testing need, and how they get on the machine.
 *
 * One dpkg-query asks for all of them at once; apt-get runs only when something is missing, refreshes its lists only
 * then, never asks a question, and waits for another apt or dpkg to finish for as long as the deadline allows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeEnd, runProgram } from './program.mjs';
import { SetupError } from './setup-error.mjs';

/** To build the native programs and to run wardend. */
export const RUN_PACKAGES = [
  'build-essential', // cc, make
  'musl-tools', // musl-gcc: the programs on the path of a request are static
  'linux-libc-dev', // the kernel's headers
  'libseccomp-dev', // compiles the system call filter
  'zlib1g-dev', // gzip, in the program that unpacks images
  'libzstd-dev', // zstd, the same
  'libmnl-dev', // netlink, in the launcher: links and nftables
  'nftables', // nft: shows administrators (and the kernel checks) what is loaded
  'iproute2', // ip: the same for links
  'btrfs-progs', // mkfs.btrfs: at the daemon's start, the image that disk limits need where the depot's file system has no quotas
];

/** What the tests need beyond that. */
export const TEST_PACKAGES = [
  'protobuf-compiler', // an independent encoder for the golden vectors
  'python3-protobuf', // the same, at run time
  'clang', // fuzz targets
  'libclang-rt-dev|libclang-rt-14-dev|libclang-common-14-dev', // libFuzzer and the sanitizers of clang
  'python3', // tests of the native programs, and terminals for those of the command line
  'iputils-ping', // reaches containers, or does not
  'iptables', // both kinds of it: firewalls of others, beside ours
  'git', // knows which files are ours
  'strace', // kills the daemon before each of its system calls
  'docker-registry', // a registry of images, on loopback
  'openssl', // makes certificates for it
  'zstd', // compresses layers of images
  'ruby', // clients of 2012 were written in it
  'ruby-beefcake', // and on this reader and writer of messages
  'xfsprogs', // mkfs.xfs: a file system that has projects also without quotas
  'mandoc', // checks man pages
  'man-db', // shows them, where the Debian package is installed
  'systemd', // runs its units there
  'zsh', // completes command lines
  'fish', // the same
];

/** And for the tests in a virtual machine. Its kernel is a package too, which is downloaded but not installed (scripts/vm/kernel.mjs). */
export const VM_PACKAGES = [
  'qemu-system-x86', // emulates a machine with a kernel that has quotas and only cgroup v2
  'e2fsprogs', // mkfs.ext4: its disks
];

const QUERY_DEADLINE_MS = 30_000;
const UPDATE_DEADLINE_MS = 5 * 60_000;
const INSTALL_DEADLINE_MS = 20 * 60_000;
const LOCK_DEADLINE_MS = 5 * 60_000;
const LOCK_RETRY_MS = 2_000;
const LOCKED = /could not get lock|unable to (?:acquire the dpkg frontend lock|lock)|is another process using it/i;

/**
 * @typedef {(program: string, args: readonly string[], options: import('./program.mjs').ProgramOptions) =>
 *   Promise<import('./program.mjs').ProgramResult>} Run
 */

/**
 * Of a list of names (`a|b`: any of them will do), those that are not installed.
 * @param {readonly string[]} wanted
 * @param {Run} [run]
 * @returns {Promise<string[] | undefined>} undefined when this is no Debian system
 */
export async function findMissingPackages(wanted, run = runProgram) {
  const names = wanted.flatMap((entry) => entry.split('|'));
  /** @type {Set<string>} */
  const installed = new Set();
  const result = await run('dpkg-query', ['--show', '--showformat', '${Package} ${db:Status-Status}\\n', ...names], {
    deadlineMs: QUERY_DEADLINE_MS,
    env: { ...process.env, LC_ALL: 'C' },
    onLine: (line, source) => {
      const [name, status] = line.split(' ');
      if (source === 'stdout' && name && status === 'installed') installed.add(name);
    },
  });
  // status 1: some of the names are unknown to dpkg, which is an answer too
  if (result.status === 127) return undefined;
  if (result.status !== 0 && result.status !== 1) {
    throw new SetupError(`asking dpkg for installed packages: dpkg-query ${describeEnd(result, QUERY_DEADLINE_MS)}: ${result.output}`, {
      remedy: 'Repair the package database (dpkg --configure -a) and try again.',
    });
  }
  return wanted.filter((entry) => !entry.split('|').some((name) => installed.has(name)));
}

/**
 * Install packages by name. Of alternatives, the first that apt knows.
 * @param {readonly string[]} missing
 * @param {(text: string) => void} progress
 * @param {Run} [run]
 * @param {(ms: number) => Promise<unknown>} [wait]
 * @returns {Promise<string[]>} the names installed
 */
export async function installPackages(missing, progress, run = runProgram, wait = (ms) => delay(ms)) {
  progress('refreshing the package lists');
  const updated = await runApt(['update'], UPDATE_DEADLINE_MS, progress, run, wait);
  // A stale list is often good enough: one unreachable third-party source must not stop the set-up.
  const updateProblem = updated.status === 0 ? undefined : firstError(updated.output);

  const names = await chooseAlternatives(missing, run);
  const result = await runApt(['install', '--no-install-recommends', ...names], INSTALL_DEADLINE_MS, progress, run, wait);
  if (result.status !== 0) {
    const problem = firstError(result.output) ?? `apt-get ${describeEnd(result, INSTALL_DEADLINE_MS)}`;
    throw new SetupError(
      `installing ${names.join(' ')}: ${problem}${updateProblem ? ` (and before that, apt-get update: ${updateProblem})` : ''}`,
      { remedy: `Check the network and /etc/apt, then try again, or install them yourself: apt-get install ${names.join(' ')}` },
    );
  }
  return names;
}

/**
 * @param {readonly string[]} entries
 * @param {Run} run
 * @returns {Promise<string[]>}
 */
async function chooseAlternatives(entries, run) {
  const choices = entries.filter((entry) => entry.includes('|')).flatMap((entry) => entry.split('|'));
  if (choices.length === 0) return [...entries];
  /** @type {Set<string>} */
  const known = new Set();
  await run('apt-cache', ['pkgnames'], {
    deadlineMs: QUERY_DEADLINE_MS,
    onLine: (line) => {
      if (choices.includes(line)) known.add(line);
    },
  });
  return entries.map((entry) => {
    const names = entry.split('|');
    return names.find((name) => known.has(name)) ?? names[0] ?? entry;
  });
}

/**
 * apt-get without questions, again while another program holds its locks.
 * @param {readonly string[]} args
 * @param {number} deadlineMs
 * @param {(text: string) => void} progress
 * @param {Run} run
 * @param {(ms: number) => Promise<unknown>} wait
 */
async function runApt(args, deadlineMs, progress, run, wait) {
  const lockDeadline = Date.now() + LOCK_DEADLINE_MS;
  for (;;) {
    const result = await run(
      'apt-get',
      ['--quiet', '--yes', '-o', 'APT::Status-Fd=3', '-o', 'Dpkg::Options::=--force-confold', '-o', 'Dpkg::Use-Pty=0', ...args],
      {
        deadlineMs,
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1', LC_ALL: 'C' },
        statusDescriptor: true,
        onLine: (line, source) => {
          if (source === 'status') showStatus(line, progress);
        },
      },
    );
    if (result.status === 0 || !LOCKED.test(result.output) || Date.now() > lockDeadline) return result;
    progress('waiting for another package installation to finish');
    await wait(LOCK_RETRY_MS);
  }
}

/**
 * One line of apt's status: `pmstatus:bash:66.5:Unpacking bash`, `dlstatus:3:20.0:Retrieving file 3 of 9`.
 * @param {string} line
 * @param {(text: string) => void} progress
 */
function showStatus(line, progress) {
  const match = /^(pm|dl)status:[^:]*:([\d.]+):(.*)$/.exec(line);
  if (match) progress(`${match[1] === 'dl' ? 'downloading' : 'installing'} ${Math.round(Number(match[2]))} % ${match[3] ?? ''}`);
}

/** @param {string} output */
function firstError(output) {
  const line = output.split('\n').find((candidate) => /^(?:E|Err|dpkg):/.test(candidate));
  return line?.replace(/^E: /, '').trim();
}
