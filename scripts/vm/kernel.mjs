/**
 * Debian's own kernel, as its package has it: downloaded by name with apt-get, unpacked below a cache directory, and
 * never installed, so this machine's boot loader does not learn of it.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnd, runProgram } from '../setup/program.mjs';
import { SetupError } from '../setup/setup-error.mjs';

/** The kernel that Debian makes for virtual machines: small, with everything that the tests need. */
const META_PACKAGE = 'linux-image-cloud-amd64';
const KEPT_KERNELS = 'warden-vm-kernel';
const QUERY_DEADLINE_MS = 60_000;
const DOWNLOAD_DEADLINE_MS = 10 * 60_000;
const UNPACK_DEADLINE_MS = 2 * 60_000;

/** @typedef {{ version: string, image: string, modules: string }} Kernel image: the bootable file; modules: lib/modules/VERSION */

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {number} deadlineMs
 * @param {string} [cwd]
 */
async function runOrFail(program, args, deadlineMs, cwd) {
  const result = await runProgram(program, args, { deadlineMs, ...(cwd === undefined ? {} : { cwd }), env: { ...process.env, LC_ALL: 'C' } });
  if (result.status !== 0) throw new SetupError(`${program} ${args.join(' ')}: ${describeEnd(result, deadlineMs)}: ${result.output.trim()}`, {
    remedy: `The tests in the virtual machine boot the kernel of Debian's package ${META_PACKAGE}: apt-get has to be able to download it once.`,
  });
  return result.output;
}

/** @returns {Promise<string | undefined>} the package that META_PACKAGE stands for, when apt knows it */
async function currentPackage() {
  const result = await runProgram('apt-cache', ['depends', META_PACKAGE], { deadlineMs: QUERY_DEADLINE_MS, env: { ...process.env, LC_ALL: 'C' } });
  return /^\s*Depends: (linux-image-[0-9]\S*)$/m.exec(result.output)?.[1];
}

/** @param {string} directory @returns {Kernel | undefined} */
function kernelIn(directory) {
  const boot = join(directory, 'boot');
  const image = existsSync(boot) ? readdirSync(boot).find((name) => name.startsWith('vmlinuz-')) : undefined;
  if (image === undefined) return undefined;
  const version = image.slice('vmlinuz-'.length);
  const modules = ['lib/modules', 'usr/lib/modules'].map((path) => join(directory, path, version)).find((path) => existsSync(path));
  return modules === undefined ? undefined : { version, image: join(boot, image), modules };
}

/**
 * The newest kernel that apt knows; where apt cannot tell, one that was unpacked before.
 * @param {string} cache
 * @param {(text: string) => void} progress
 * @returns {Promise<Kernel>}
 */
export async function prepareKernel(cache, progress) {
  const kernels = join(cache, KEPT_KERNELS);
  mkdirSync(kernels, { recursive: true });
  let name = await currentPackage();
  if (name === undefined) {
    const kept = readdirSync(kernels).map((entry) => kernelIn(join(kernels, entry))).find((kernel) => kernel !== undefined);
    if (kept !== undefined) return kept;
    progress('refreshing the package lists');
    await runOrFail('apt-get', ['--quiet', 'update'], DOWNLOAD_DEADLINE_MS);
    name = await currentPackage();
    if (name === undefined) throw new SetupError(`apt does not know the package ${META_PACKAGE}`, { remedy: 'The tests in the virtual machine need a Debian system on amd64.' });
  }
  const directory = join(kernels, name);
  const present = kernelIn(directory);
  if (present !== undefined) return present;
  progress(`downloading ${name}`);
  const partial = `${directory}.partial-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    await download(name, partial);
    const archive = readdirSync(partial).find((entry) => entry.endsWith('.deb'));
    if (archive === undefined) throw new SetupError(`apt-get download ${name} brought no package`);
    progress(`unpacking ${name}`);
    await runOrFail('dpkg-deb', ['--extract', archive, '.'], UNPACK_DEADLINE_MS, partial);
    rmSync(join(partial, archive));
    rmSync(directory, { recursive: true, force: true });
    renameSync(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  const kernel = kernelIn(directory);
  if (kernel === undefined) throw new SetupError(`${name} has no boot/vmlinuz-* with modules`);
  return kernel;
}

/** @param {string} name @param {string} directory */
async function download(name, directory) {
  // root downloads as itself: the directory need not be readable for apt's own user
  const args = ['--quiet', '-o', 'APT::Sandbox::User=root', 'download', name];
  const first = await runProgram('apt-get', args, { deadlineMs: DOWNLOAD_DEADLINE_MS, cwd: directory, env: { ...process.env, LC_ALL: 'C' } });
  if (first.status === 0) return;
  // the list may name a version that the mirror has replaced
  await runOrFail('apt-get', ['--quiet', 'update'], DOWNLOAD_DEADLINE_MS);
  await runOrFail('apt-get', args, DOWNLOAD_DEADLINE_MS, directory);
}
