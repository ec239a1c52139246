/*
 * Building a root file system: everything happens in DIRECTORY.partial, which is renamed when it is complete and removed
 * when anything fails, so that DIRECTORY is either whole or untouched.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { chooseSources, formatSources, readAptSources, withoutCredentials, type AptSource } from './apt-sources.js';
import { findBootstrapTool, type BootstrapRequest, type BootstrapTool } from './bootstrap-tool.js';
import { addLocaleArchive } from './locale-archive.js';
import { PACKAGES, RootfsError, type BuildOptions } from './options.js';

const DEADLINE_MS = 60 * 60_000;
const KILL_AFTER_MS = 15_000;
const KEPT_LINES = 30;

/** The machine that builds; tests bring another. */
export interface BuildMachine {
  readonly uid: number;
  /** Where programs are looked for. */
  readonly path: string;
  readonly aptDirectory: string;
  /** VERSION_CODENAME of /etc/os-release, '' when there is none. */
  readonly suite: string;
}

export interface BuildWatcher {
  show(done: number, what: string): void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export function thisMachine(): BuildMachine {
  const suite = /^VERSION_CODENAME="?([^"\n]*)"?$/m.exec(existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '')?.[1];
  return { uid: process.geteuid?.() ?? -1, path: process.env['PATH'] ?? '', aptDirectory: '/etc/apt', suite: suite ?? '' };
}

/**
 * @returns the tool that did it
 * @throws RootfsError
 */
export async function buildRootfs(options: BuildOptions, machine: BuildMachine, watcher: BuildWatcher): Promise<string> {
  const { directory } = options;
  if (machine.uid !== 0) throw new RootfsError('making a root file system needs root rights: sudo warden rootfs build …');
  const tool = findBootstrapTool(machine.path);
  if (tool === undefined) throw new RootfsError('neither mmdebstrap nor debootstrap is installed: apt-get install mmdebstrap');
  requireEmpty(directory);
  if (!existsSync(dirname(directory))) throw new RootfsError(`${dirname(directory)} does not exist`);

  const suite = options.suite ?? machine.suite;
  if (suite === '') throw new RootfsError('this machine does not say which release it runs: name one with --suite');
  const sources = sourcesFor(options, suite, machine);

  const target = `${directory}.partial`;
  const temporary = mkdtempSync(join(tmpdir(), 'warden-rootfs-'));
  try {
    removeTree(target); // of a build that was killed
    const sourcesFile = join(temporary, 'distribution.sources');
    writeFileSync(sourcesFile, formatSources(sources));
    await runTool(tool, { suite, sources, sourcesFile, packages: [...new Set([...PACKAGES, ...options.include])], target }, watcher);
    await addLocaleArchive(target);
    finish(target);
    if (existsSync(directory)) rmdirSync(directory);
    renameSync(target, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    removeTree(target);
  }
  return tool.name;
}

function requireEmpty(directory: string): void {
  const state = lstatSync(directory, { throwIfNoEntry: false });
  if (state === undefined) return;
  if (!state.isDirectory()) throw new RootfsError(`${directory} exists and is not a directory`);
  if (readdirSync(directory).length > 0) throw new RootfsError(`${directory} is not empty: name another directory, or remove it first`);
}

function sourcesFor({ mirror }: BuildOptions, suite: string, machine: BuildMachine): AptSource[] {
  const own = chooseSources(readAptSources(machine.aptDirectory), suite, machine.suite);
  if (mirror !== undefined) {
    const { components = ['main'], signedBy } = own[0] ?? {};
    return [{ uri: mirror, suite, components, options: {}, ...(signedBy === undefined ? {} : { signedBy }) }];
  }
  if (own.length === 0) throw new RootfsError(`no package source of ${suite} is configured in ${machine.aptDirectory}: name one with --mirror`);
  return own;
}

async function runTool(tool: BootstrapTool, request: BootstrapRequest, watcher: BuildWatcher): Promise<void> {
  const lines: string[] = [];
  const signal = AbortSignal.any([watcher.signal, AbortSignal.timeout(DEADLINE_MS)]);
  signal.throwIfAborted();
  // In a process group of its own: Ctrl-C reaches the tool once, through `stop`, and its children with it.
  const child = spawn(tool.program, tool.args(request), {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
  });
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    signalGroup(child, 'SIGTERM'); // both tools unmount and clean up when they are told
    killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input, crlfDelay: Infinity }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      const done = tool.progressOf(line);
      if (done !== undefined) watcher.show(done, line.replace(/^[A-Z]: /, ''));
    });
  }
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (status, endedBy) => resolve(status === 0 ? '' : endedBy === null ? `ended with status ${status ?? ''}` : `was ended by ${endedBy}`));
  });
  signal.removeEventListener('abort', stop);
  clearTimeout(killTimer);
  if (watcher.signal.aborted) throw new RootfsError('interrupted; nothing is left behind', 130);
  if (signal.aborted) throw new RootfsError(`${tool.name} did not finish within ${DEADLINE_MS / 60_000} minutes`);
  if (end !== '') throw new RootfsError(`${tool.name} ${end}. The end of its output:\n${withoutCredentials(lines.join('\n'))}`);
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** What the tools leave in it that is this machine's own business. */
function finish(target: string): void {
  for (const name of ['etc/hostname', 'etc/resolv.conf', 'etc/machine-id']) {
    const state = lstatSync(join(target, name), { throwIfNoEntry: false });
    if (state?.isFile() === true) writeFileSync(join(target, name), '');
  }
  const list = join(target, 'etc/apt/sources.list.d');
  const names = existsSync(list) ? readdirSync(list).map((name) => join(list, name)) : [];
  for (const path of [join(target, 'etc/apt/sources.list'), ...names]) {
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue;
    const text = readFileSync(path, 'utf8');
    if (withoutCredentials(text) !== text) writeFileSync(path, withoutCredentials(text));
  }
  rmSync(join(target, 'var/cache/apt/archives'), { recursive: true, force: true });
  chmodSync(target, 0o755);
}

/** Removes a directory tree; never one that something is mounted in, because that something would be emptied. */
function removeTree(path: string): void {
  if (!existsSync(path)) return;
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '').find((point) => point === path || point.startsWith(`${path}/`));
  if (mounted !== undefined) throw new RootfsError(`${mounted} is still mounted: unmount it (umount ${mounted}), then remove ${path}`);
  if (!statSync(path).isDirectory()) throw new RootfsError(`${path} is in the way: remove it`);
  rmSync(path, { recursive: true, force: true });
}
