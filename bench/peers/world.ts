/*
 * The namespaces that a peer lives in (world.c): its daemons, mounts, links, firewall rules and cgroups are seen by nobody else, and end with the
 * process that holds them, which ends with us. What it writes to /usr, /etc and /var/lib comes into layers below a directory of ours; its /run is empty.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { worldProgram } from '../paths.js';
import { hierarchies, PeerGroups } from './cgroups.js';
import type { Hierarchy } from './cgroups.js';
import type { Peer } from './peer.js';

const COMMAND_MS = 60_000;
const SOCKET_MS = 30_000;
const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Directories of the host that have the peer's packages and what it writes in layers of its own. */
const LAYERED = ['/usr', '/etc', '/var/lib'] as const;
const TOLD_LINES = 3;

/** What a program said last, as one line: for a row of the table. */
export function lastWords(output: string): string {
  const lines = output.trim().split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return lines.slice(-TOLD_LINES).join(' · ') || 'nothing';
}

export class World {
  static readonly #open = new Set<World>();
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #groups: PeerGroups;
  #pid = 0;
  #closed = false;

  private constructor(directory: string, groups: PeerGroups, private readonly commandMs: number) {
    this.directory = directory;
    this.#groups = groups;
    this.#child = spawn(worldProgram, groups.procs, {
      stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: SEARCH_PATH, HOME: '/root', LC_ALL: 'C', TMPDIR: directory },
    });
    if (this.#child.stdout === null) throw new Error(`${worldProgram} could not be started`);
    this.#child.on('error', () => undefined).stdin?.on('error', () => undefined); // it has ended; its answer is missing then
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Throws for what does not work, and leaves nothing then.
   * @param packages unpacked, to lay over the host's directories
   * @param commandMs milliseconds that a program may take
   */
  static async open({ name, cgroups }: { readonly name: string } & Pick<Peer, 'cgroups'>, parent: string, packages?: string, commandMs = COMMAND_MS): Promise<World> {
    const all = hierarchies();
    const directory = `${parent}/${name}`;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    const groups = new PeerGroups(name, all);
    const world = new World(directory, groups, commandMs);
    World.#open.add(world);
    try {
      world.#pid = Number(await world.#answer());
      await world.run('true'); // its namespaces are there when it answers
      const v1 = all.filter(({ controllers }) => controllers !== undefined);
      if (v1.length === 0) groups.vacate(world.#pid);
      await world.#mount(cgroups === 'v1' && v1.length > 0 ? v1 : all, packages);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** For a run that is interrupted. */
  static async closeAll(): Promise<void> {
    await Promise.all([...World.#open].map((world) => world.close()));
  }

  /** As the host sees its PID 1. */
  get pid(): number {
    return this.#pid;
  }

  async #mount(shown: readonly Hierarchy[], packages: string | undefined): Promise<void> {
    const mount = (type: string, source: string, options: string, target: string): Promise<number> => this.run('mount', '-t', type, '-o', options, source, target);
    for (const path of LAYERED) {
      const [upper, work] = ['upper', 'work'].map((kind) => `${this.directory}/layers${path}-${kind}`) as [string, string];
      for (const layer of [upper, work]) mkdirSync(layer, { recursive: true, mode: 0o755 });
      const lower = packages !== undefined && existsSync(`${packages}${path}`) ? `${packages}${path}:${path}` : path;
      await mount('overlay', 'overlay', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, path);
    }
    await mount('tmpfs', 'tmpfs', 'mode=755', '/run');
    // Of this network namespace, and with this cgroup namespace's part of the hierarchies.
    await mount('sysfs', 'sysfs', 'nosuid,nodev,noexec', '/sys');
    const only = shown.length === 1 ? shown[0] : undefined;
    if (only !== undefined && only.controllers === undefined) await mount('cgroup2', 'cgroup2', 'nosuid,nodev,noexec', '/sys/fs/cgroup');
    else {
      await mount('tmpfs', 'tmpfs', 'mode=755', '/sys/fs/cgroup');
      for (const { mountPoint, controllers } of shown) {
        const target = `/sys/fs/cgroup/${basename(mountPoint)}`;
        await this.run('mkdir', target);
        await mount(controllers === undefined ? 'cgroup2' : 'cgroup', 'cgroup', controllers ?? 'nosuid', target);
      }
    }
    await this.run('ip', 'link', 'set', 'lo', 'up');
  }

  async #answer(): Promise<string> {
    // Not SIGKILL: who is in the world would outlive its holder for a moment, and be in the way of its groups' removal.
    const timer = setTimeout(() => this.#child.kill('SIGTERM'), this.commandMs);
    try {
      const { value, done } = await this.#answers.next();
      if (done) throw new Error(`its namespaces ended, or it took more than ${this.commandMs / 1000} s`);
      return value as string;
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(verb: 'run' | 'start', output: string, argv: readonly string[]): Promise<number> {
    const unsafe = argv.find((argument) => /[\t\n]/.test(argument));
    if (unsafe !== undefined) throw new Error(`an argument has a tab or a new line: ${unsafe}`);
    this.#child.stdin?.write(`${[verb, output, ...argv].join('\t')}\n`);
    const [microseconds = 0, status = -1] = (await this.#answer()).split(' ').map(Number);
    if (status !== 0) throw new Error(`${basename(argv[0] ?? '')} ended with status ${status}: ${lastWords(readFileSync(output, 'utf8'))}`);
    return microseconds;
  }

  /** @returns microseconds. Throws, with what the program said, when its exit status is not 0 */
  async run(...argv: readonly string[]): Promise<number> {
    return await this.#ask('run', `${this.directory}/output`, argv);
  }

  /** What a program prints. */
  async read(...argv: readonly string[]): Promise<string> {
    await this.run(...argv);
    return readFileSync(`${this.directory}/output`, 'utf8');
  }

  /** Starts a daemon and waits until its socket is there. */
  async startDaemon(socket: string, ...argv: readonly string[]): Promise<void> {
    const output = `${this.directory}/daemon.log`;
    const appeared = appears(socket);
    try {
      await this.#ask('start', output, argv);
    } catch (error) {
      appeared.giveUp();
      throw error;
    }
    if (!await appeared.done) throw new Error(`${basename(argv[0] ?? '')} has no socket after ${SOCKET_MS / 1000} s: ${lastWords(readFileSync(output, 'utf8'))}`);
  }

  /** Ends everything in it, and removes what it leaves. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    World.#open.delete(this);
    const ended = this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null ? undefined : once(this.#child, 'exit');
    this.#child.stdin?.end();
    // A program that hangs keeps it from seeing that.
    this.#child.kill('SIGTERM');
    await ended;
    this.#groups.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function appears(path: string): { readonly done: Promise<boolean>; giveUp(): void } {
  const watcher = watch(dirname(path));
  const timer = setTimeout(() => watcher.close(), SOCKET_MS);
  const done = (async () => {
    const closed = once(watcher, 'close').then(() => false);
    const found = new Promise<boolean>((resolve) => {
      watcher.on('change', () => { if (existsSync(path)) resolve(true); });
    });
    const there = await Promise.race([closed, found]);
    clearTimeout(timer);
    watcher.close();
    return there || existsSync(path);
  })();
  return { done, giveUp: () => { watcher.close(); } };
}
