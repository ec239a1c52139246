// Whether wardend could run here: its configuration, its programs, the root file system, and what the kernel offers.
import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WardenError } from 'warden-protocol';
import { fail, type Finding, ok, warn } from './finding.js';

const OLDEST_NODE = [20, 19] as const;
const DEADLINE_MS = 20_000;
const MOST_OUTPUT = 4 * 1024 * 1024;
const FEW_OPEN_FILES = 4096;

const PROGRAMS: readonly (readonly [program: string, package_: string, what: string, level: 'warn' | 'fail'])[] = [
  ['nft', 'nftables', 'wardend loads the firewall with it', 'fail'],
  ['mkfs.btrfs', 'btrfs-progs', 'disk limits need it where the file system of the depot has no quotas', 'warn'],
  ['ip', 'iproute2', 'it shows the links of containers', 'warn'],
];

const NATIVE = ['launcher', 'monitor', 'wshd', 'files', 'archive', 'seccomp.bpf'];
/** What server.container_klass Insecure needs. */
const PLAIN_NATIVE = ['plain-monitor', 'wshd', 'files'];

/** Files of this checkout, or of the installed package, found from this one's place in packages/cli/dist/doctor. */
const root = new URL('../../../../', import.meta.url);

const builtPrograms = fileURLToPath(new URL('native/build/release', root));

/** How the machine is looked at; a test has its own. */
export interface Machine {
  readonly isRoot: boolean;
  readonly path: string;
  readonly nodeVersion: string;
  /** The text of /proc/self/limits. */
  limits(): string;
  /** wardend's settings by their keys, of the configuration that it would read. Rejects with what is wrong with it. */
  settings(arguments_: readonly string[]): Promise<ReadonlyMap<string, unknown>>;
  /** Rejects when wardend is not installed here. */
  kernel(paths: { depot: string; rootfs: string; mountCheck: string }): Promise<readonly Finding[]>;
}

export const thisMachine: Machine = {
  isRoot: process.geteuid?.() === 0,
  path: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  nodeVersion: process.versions.node,
  limits: () => readFileSync('/proc/self/limits', 'utf8'),
  settings: readSettings,
  async kernel(paths) {
    const checks = await import(new URL('scripts/setup/kernel-checks.mjs', root).href) as { checkKernel(paths: object): Promise<readonly Finding[]> };
    return checks.checkKernel(paths);
  },
};

/** @param configuration options that wardend takes, --config FILE and --set KEY=VALUE */
export async function checkMachine(machine: Machine, configuration: readonly string[]): Promise<Finding[]> {
  const findings = [checkNode(machine.nodeVersion), ...checkOpenFiles(machine.limits())];
  let settings: ReadonlyMap<string, unknown>;
  try {
    settings = await machine.settings(configuration);
  } catch (reason) {
    return [...findings, fail(`configuration: ${WardenError.from(reason).message}`)];
  }
  const textOf = (key: string): string => String(settings.get(key) ?? '');
  const [depot, rootfs] = [textOf('server.container_depot_path'), textOf('server.container_rootfs_path')];
  const programs = textOf('server.programs_path') || builtPrograms;
  findings.push(ok('configuration: right'));
  if (/(?:^|::)Insecure$/.test(textOf('server.container_klass'))) {
    return [...findings, warn('containers: server.container_klass is Insecure, so they are plain processes that nothing holds back. Set it to Linux wherever somebody is not trusted with this user\'s rights'), ...checkNative(programs, PLAIN_NATIVE)];
  }
  findings.push(...PROGRAMS.flatMap((program) => checkProgram(machine.path, program)), ...checkNative(programs, NATIVE), ...checkRootfs(rootfs));
  if (!machine.isRoot) return [...findings, warn('kernel: not looked at, which only root can do. For that: sudo warden doctor')];
  try {
    return [...findings, ...await machine.kernel({ depot, rootfs, mountCheck: join(programs, 'mount-check') })];
  } catch (reason) {
    return [...findings, fail(`kernel: the checks failed (${WardenError.from(reason).message}). Install wardend whole: docs/install.md`)];
  }
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return enough ? ok(`node ${version}`) : fail(`node ${version} is too old. Install ${OLDEST_NODE.join('.')} or later`);
}

function checkProgram(path: string, [program, package_, what, level]: typeof PROGRAMS[number]): Finding[] {
  // Users other than root often lack the last three, where these are.
  const found = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].some((directory) => directory !== '' && canExecute(join(directory, program)));
  return [found ? ok(`${program} is there`) : { level, text: `${program} is missing: ${what}. Install it: apt-get install ${package_}` }];
}

function canExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function checkOpenFiles(limits: string): Finding[] {
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits) ?? [];
  if (soft === undefined) return [];
  return [soft !== 'unlimited' && Number(soft) < FEW_OPEN_FILES
    ? warn(`open files: at most ${soft} here, two or three of which a container takes, and one a client. Raise it for wardend: LimitNOFILE= of its unit, or ulimit -n`) : ok(`open files: ${soft}`)];
}

function checkNative(directory: string, wanted: readonly string[]): Finding[] {
  const missing = wanted.filter((name) => {
    try {
      accessSync(join(directory, name), name.includes('.') ? constants.R_OK : constants.X_OK);
      return false;
    } catch {
      return true;
    }
  });
  return [missing.length === 0 ? ok(`native programs: ${directory}`) : fail(`native programs: ${directory} has no ${missing.join(', ')}. Build them (npm run build), or set server.programs_path`)];
}

function checkRootfs(path: string): Finding[] {
  try {
    if (!statSync(path).isDirectory()) return [fail(`root file system: ${path} is no directory. Make one: warden rootfs build DIRECTORY`)];
    accessSync(path, constants.X_OK);
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'EACCES') return [warn(`root file system: ${path} cannot be looked at by this user`)];
    return [fail(`root file system: there is no ${path}. Make one (sudo warden rootfs build ${path}), or set server.container_rootfs_path; containers of images do without`)];
  }
  // With such a file parts of it are mounted, of the machine's own /usr for one.
  return [['bin/bash', 'usr/bin/bash', `../${basename(path)}.mounts.json`].some((name) => exists(join(path, name))) ? ok(`root file system: ${path}`) : fail(`root file system: ${path} has no /bin/bash, which runs scripts. Make another one: warden rootfs build DIRECTORY`)];
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

async function readSettings(arguments_: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
  const program = fileURLToPath(new URL('bin/wardend', root));
  if (!exists(program)) throw new WardenError('not_found', `wardend is not installed here (there is no ${program}). This machine can only be a client`);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--show-config', '--json', ...arguments_], { timeout: DEADLINE_MS, maxBuffer: MOST_OUTPUT });
    return new Map((JSON.parse(stdout) as { key: string; value: unknown }[]).map(({ key, value }) => [key, value]));
  } catch (reason) {
    const { stderr = '' } = reason as { stderr?: string };
    throw new WardenError('invalid_argument', stderr.trim().replace(/^wardend: /, '') || `wardend --show-config failed: ${(reason as Error).message}`, { cause: reason });
  }
}
