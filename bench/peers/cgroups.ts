/* Cgroups for the peers: everything that they make lies below one group of the run, whatever they call it, because that is all they see of cgroups. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeTree } from '../groups.js';
import { runName } from '../run-name.js';

/** Whose groups lie there. */
export function peersGroupOf(name: string): string {
  return `${name}-peers`;
}

export interface Hierarchy {
  readonly mountPoint: string;
  /** What `mount -o` takes; undefined: the tree of cgroup v2. */
  readonly controllers: string | undefined;
}

const GENERAL_OPTIONS = new Set(['rw', 'ro', 'nosuid', 'nodev', 'noexec', 'relatime', 'noatime', 'xattr', 'clone_children']);

/** Of the text of /proc/self/mounts. Where a hierarchy is mounted twice, its first place. */
export function parseHierarchies(mounts: string): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of mounts.split('\n')) {
    const [, mountPoint = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup2') found.set('cgroup2', found.get('cgroup2') ?? { mountPoint, controllers: undefined });
    if (type !== 'cgroup') continue;
    const own = options.split(',').filter((option) => !GENERAL_OPTIONS.has(option) && !option.startsWith('release_agent='));
    const controllers = own.some((option) => option.startsWith('name=')) ? ['none', ...own.filter((option) => option !== 'none')].join(',') : own.join(',');
    found.set(controllers, found.get(controllers) ?? { mountPoint, controllers });
  }
  return [...found.values()];
}

export function hierarchies(): Hierarchy[] {
  return parseHierarchies(readFileSync('/proc/self/mounts', 'utf8'));
}

/** One group in each hierarchy, in which a world begins. */
export class PeerGroups {
  readonly #directories: readonly string[];

  /** Throws when a hierarchy cannot be written to. */
  constructor(name: string, all: readonly Hierarchy[]) {
    this.#directories = all.map(({ mountPoint }) => `${mountPoint}/${peersGroupOf(runName)}/${name}`);
    for (const [index, directory] of this.#directories.entries()) {
      removeTree(directory); // of a run that was killed
      mkdirSync(directory, { recursive: true, mode: 0o755 });
      // A group of the v1 controller cpuset takes nobody before it has processors and memory.
      if (all[index]?.controllers?.split(',').includes('cpuset')) for (const path of [dirname(directory), directory]) inheritCpuset(path);
    }
  }

  get procs(): readonly string[] {
    return this.#directories.map((directory) => `${directory}/cgroup.procs`);
  }

  /**
   * Of cgroup v2 alone: groups below have controllers only when the group above has them, and no process of its own.
   * @param pid the only one that is in it yet
   */
  vacate(pid: number): void {
    for (const directory of this.#directories) {
      const main = `${directory}/main`;
      mkdirSync(main);
      writeFileSync(`${main}/cgroup.procs`, String(pid));
      for (const path of [dirname(directory), directory]) {
        const controllers = readFileSync(`${path}/cgroup.controllers`, 'utf8').split(/\s+/).filter((name) => name !== '');
        writeFileSync(`${path}/cgroup.subtree_control`, controllers.map((name) => `+${name}`).join(' '));
      }
    }
  }

  /** When the world has ended. */
  remove(): void {
    for (const directory of this.#directories) {
      removeTree(directory);
      removeEmpty(dirname(directory));
    }
  }
}

function inheritCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(`${directory}/${file}`, readFileSync(`${directory}/../${file}`));
}

/** Unless others are in it. */
function removeEmpty(directory: string): void {
  if (existsSync(directory) && readdirSync(directory, { withFileTypes: true }).every((entry) => !entry.isDirectory())) rmdirSync(directory);
}

/** Those of this run. */
export function removeAllGroups(): void {
  for (const { mountPoint } of hierarchies()) removeTree(`${mountPoint}/${peersGroupOf(runName)}`);
}
