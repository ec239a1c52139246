/**
 * Cgroups: one parent group in every hierarchy, the containers' groups below it. The monitor makes and removes a container's
 * groups; here is what is done once at the start, and the removal of groups whose monitor is gone.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WardenError } from 'warden-protocol';
import { isContainerId } from '../../lib/container-id.js';
import type { CgroupDescription } from '../container-description.js';
import type { Cgroups } from '../host.js';
import { findHierarchies, type CgroupHierarchy } from './cgroup-hierarchies.js';
import { killGroups } from './cgroup-kill.js';
import type { ControllerGroup } from './group-file.js';
import { socketMemoryFile } from './memory-limits.js';
import { parentSettings } from './parent-settings.js';
import { unlessGone } from './unless-gone.js';
import { usageFilesIn, usageHierarchies, type UsageHierarchies } from './usage-files.js';

export interface CgroupOptions {
  readonly root: string;
  readonly version: 'auto' | 'v1' | 'v2';
  /** Name of the parent group. */
  readonly parent: string;
  /** Processes and threads of one container. */
  readonly pidsMax: number;
  /** Of all containers together. */
  readonly totalPidsMax: number;
}

/** Controllers of version 2 that containers' groups use, now or by later requests. */
const delegatedControllers: ReadonlySet<string> = new Set(['cpu', 'cpuset', 'io', 'memory', 'pids']);

/** Killed processes leave their groups within milliseconds, unless they are stuck in the kernel. */
const leftoverDeadlineMs = 10_000;
const leftoverPauseMs = 5;

export class LinuxCgroups implements Cgroups {
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Controllers of version 2 that the containers' groups have. */
  readonly #delegated = new Set<string>();
  /** Which hierarchies tell what a container uses. */
  readonly #usage: UsageHierarchies;
  /** Memory of sockets is counted in a group of version 1 from the first write to its file on. */
  #countsSockets = false;

  constructor(private readonly options: CgroupOptions) {
    this.hierarchies = findHierarchies(readFileSync('/proc/self/mounts', 'utf8'), options.root, options.version, (mountPoint) =>
      readFileSync(join(mountPoint, 'cgroup.controllers'), 'utf8'),
    );
    this.#usage = usageHierarchies(this.hierarchies);
  }

  /** Whether pids.max can keep a container from filling the process table. */
  get limitsProcesses(): boolean {
    return this.hierarchies.some(({ controllers }) => controllers.includes('pids'));
  }

  /** Makes the parent groups, limits what all containers have together, and passes on to the groups what those below need. */
  prepare(): void {
    for (const hierarchy of this.hierarchies) {
      const parent = this.#parentOf(hierarchy);
      mkdirSync(parent, { recursive: true });
      if (hierarchy.version === 2) this.#delegate(hierarchy, parent);
      else if (hierarchy.controllers.includes('cpuset')) this.#fillCpuset(hierarchy, parent);
      if (hierarchy.version === 1 && existsSync(join(parent, socketMemoryFile))) this.#countsSockets = true;
      for (const { name, content } of parentSettings(hierarchy, this.options)) {
        const path = join(parent, name);
        // Without the file the controller could not be enabled for this group, and #delegate() has accepted that.
        if (existsSync(path)) writeFileSync(path, content);
      }
    }
  }

  /** Removes the parent groups, when the server ends and no container is left; what is in use stays. */
  removeParents(): void {
    for (const hierarchy of this.hierarchies) {
      try {
        rmdirSync(this.#parentOf(hierarchy));
      } catch {
        // EBUSY: it has groups or processes, which are not ours to end.
      }
    }
  }

  /** The parent groups that device rules are set on: the v1 devices hierarchy where there is one, else v2. */
  deviceParents(): { path: string; version: 1 | 2 }[] {
    const v1 = this.hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes('devices'));
    const chosen = v1 ?? this.hierarchies.find(({ version }) => version === 2);
    return chosen === undefined ? [] : [{ path: this.#parentOf(chosen), version: chosen.version }];
  }

  describe(containerId: string): CgroupDescription[] {
    return this.hierarchies.map((hierarchy) => ({
      path: join(this.#parentOf(hierarchy), containerId),
      version: hierarchy.version,
      controllers: hierarchy.version === 1 ? hierarchy.controllers : [],
      settings: this.#settingsIn(hierarchy),
      usageFiles: usageFilesIn(hierarchy, this.#usage),
    }));
  }

  #settingsIn({ version, controllers }: CgroupHierarchy): CgroupDescription['settings'] {
    const settings: { name: string; content: string }[] = [];
    if (controllers.includes('pids')) settings.push({ name: 'pids.max', content: String(this.options.pidsMax) });
    // Not limited, but counted, so that the limit of all containers together holds for it.
    if (version === 1 && controllers.includes('memory') && this.#countsSockets) settings.push({ name: socketMemoryFile, content: '-1' });
    return settings;
  }

  /** A container's group in the hierarchy of a controller; undefined: containers do not have it on this machine. */
  groupOf(containerId: string, controller: string): ControllerGroup | undefined {
    const parent = this.parentGroup(controller);
    return parent === undefined ? undefined : { path: join(parent.path, containerId), version: parent.version };
  }

  /** The group above all containers in the hierarchy of a controller. */
  parentGroup(controller: string): ControllerGroup | undefined {
    const hierarchy = this.#hierarchyOf(controller);
    return hierarchy === undefined ? undefined : { path: this.#parentOf(hierarchy), version: hierarchy.version };
  }

  /** The group above that. */
  rootGroup(controller: string): ControllerGroup | undefined {
    const hierarchy = this.#hierarchyOf(controller);
    return hierarchy === undefined ? undefined : { path: hierarchy.mountPoint, version: hierarchy.version };
  }

  #hierarchyOf(controller: string): CgroupHierarchy | undefined {
    return this.hierarchies.find(({ version, controllers }) => (version === 1 ? controllers.includes(controller) : this.#delegated.has(controller)));
  }

  list(): string[] {
    const found = new Set<string>();
    for (const hierarchy of this.hierarchies) for (const name of namesIn(this.#parentOf(hierarchy))) if (isContainerId(name)) found.add(name);
    return [...found];
  }

  hasProcesses(containerId: string): boolean {
    return this.hierarchies.some((hierarchy) => treeHasProcesses(join(this.#parentOf(hierarchy), containerId)));
  }

  jobIds(containerId: string): number[] {
    const found = new Set<number>();
    for (const hierarchy of this.hierarchies) {
      for (const name of namesIn(join(this.#parentOf(hierarchy), containerId))) {
        const jobId = Number(/^job-([1-9]\d{0,9})$/.exec(name)?.[1] ?? Number.NaN);
        // Above are the groups of shells, which are nobody's jobs.
        if (jobId <= 0x7fff_ffff) found.add(jobId);
      }
    }
    return [...found];
  }

  async removeLeftovers(containerId: string): Promise<void> {
    const groups = this.hierarchies.map((hierarchy) => ({
      path: join(this.#parentOf(hierarchy), containerId),
      version: hierarchy.version,
      hasFreezer: hierarchy.version === 1 && hierarchy.controllers.includes('freezer'),
    }));
    const started = performance.now();
    for (;;) {
      await killGroups(groups, { kill, pause: (ms) => delay(ms) });
      const left = groups.find(({ path }) => !removeTree(path));
      if (left === undefined) return;
      if (performance.now() - started > leftoverDeadlineMs) {
        throw new WardenError('timeout', `the cgroup ${left.path} still has processes ${leftoverDeadlineMs / 1000} s after they were killed`);
      }
      await delay(leftoverPauseMs);
    }
  }

  #parentOf(hierarchy: CgroupHierarchy): string {
    return join(hierarchy.mountPoint, this.options.parent);
  }

  /** v2: controllers have to be enabled on every level above the groups that use them. */
  #delegate({ mountPoint, controllers }: CgroupHierarchy, parent: string): void {
    for (const controller of controllers.filter((name) => delegatedControllers.has(name))) {
      for (const group of [mountPoint, parent]) {
        try {
          writeFileSync(join(group, 'cgroup.subtree_control'), `+${controller}`);
          if (group === parent) this.#delegated.add(controller);
        } catch (error) {
          if (controller === 'pids') throw error;
          // A controller that cannot be enabled here (it has processes, or version 1 uses it) is one we do without.
          break;
        }
      }
    }
  }

  /** v1: a new cpuset has no processors and no memory nodes, and a process cannot be put into such a group. */
  #fillCpuset({ mountPoint }: CgroupHierarchy, parent: string): void {
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      if (readFileSync(join(parent, name), 'utf8').trim() === '') {
        writeFileSync(join(parent, name), readFileSync(join(mountPoint, name), 'utf8').trim());
      }
    }
    writeFileSync(join(parent, 'cgroup.clone_children'), '1');
  }
}

/** Removes a group with those below it. @returns whether it is gone */
function removeTree(path: string): boolean {
  if (!existsSync(path)) return true;
  let empty = true;
  for (const entry of unlessGone([], () => readdirSync(path, { withFileTypes: true }))) {
    if (entry.isDirectory() && !removeTree(join(path, entry.name))) empty = false;
  }
  if (!empty) return false;
  try {
    unlessGone(undefined, () => rmdirSync(path));
    return true;
  } catch {
    // EBUSY: its processes are dying.
    return false;
  }
}

function treeHasProcesses(path: string): boolean {
  try {
    if (readFileSync(join(path, 'cgroup.procs'), 'utf8') !== '') return true;
    return readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory() && treeHasProcesses(join(path, entry.name)));
  } catch {
    // It was removed meanwhile.
    return false;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
