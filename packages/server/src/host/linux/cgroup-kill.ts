/**
 * Ends the processes of a container whose monitor is gone, by its cgroups. A process id may be given to a stranger as soon as
 * its process is reaped, so ids are used only where they cannot change hands: in a frozen group, where nothing can exit.
 *
 *   version 2   cgroup.kill ends the whole tree, without ids
 *   version 1   freeze, wait until it is frozen, kill each member that is one still, thaw; killed ones die then
 *   neither     ids, each looked up again immediately before it is used
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unlessGone } from './unless-gone.js';

/** Freezing takes less than a millisecond, or as long as a process is stuck in the kernel; there is no event for it. */
const freezeReads = 100;
const freezePauseMs = 2;

/** What the machine does, so that tests can watch. */
export interface KillTools {
  kill(pid: number): void;
  pause(ms: number): Promise<void>;
}

/** A container's group in one hierarchy; it may not exist. */
export interface ContainerGroup {
  readonly path: string;
  readonly version: 1 | 2;
  readonly hasFreezer: boolean;
}

/** Sends SIGKILL to everything in the groups; settles when that was sent. */
export async function killGroups(groups: readonly ContainerGroup[], tools: KillTools): Promise<void> {
  const present = groups.filter(({ path }) => existsSync(path));
  const unified = present.find(({ version }) => version === 2);
  if (unified !== undefined && killUnified(unified.path)) {
    if (membersOf(unified.path).length > 0) return;
  } else {
    const freezer = present.find(({ hasFreezer }) => hasFreezer);
    if (freezer !== undefined && membersOf(freezer.path).length > 0) {
      await killFrozen(freezer.path, tools);
      return;
    }
  }
  // What is left has never joined the group above, or is dying.
  for (const { path } of present) killMembers(path, tools);
}

/** @returns whether the kernel has cgroup.kill (since 5.14) */
function killUnified(path: string): boolean {
  try {
    writeFileSync(join(path, 'cgroup.kill'), '1', { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

async function killFrozen(path: string, tools: KillTools): Promise<void> {
  const state = join(path, 'freezer.state');
  const write = (wanted: string): void => unlessGone(undefined, () => writeFileSync(state, wanted, { flag: 'r+' }));
  const isFrozen = (): boolean => unlessGone(true, () => readFileSync(state, 'utf8').trim() === 'FROZEN');
  write('FROZEN');
  try {
    // One that does not freeze in time is stuck in the kernel, and keeps its id as long.
    for (let reads = 0; reads < freezeReads && !isFrozen(); reads++) await tools.pause(freezePauseMs);
    killMembers(path, tools);
  } finally {
    write('THAWED');
  }
}

function killMembers(path: string, { kill }: KillTools): void {
  for (const group of treeOf(path)) {
    for (const pid of readMembers(group)) {
      if (readMembers(group).includes(pid)) kill(pid);
    }
  }
}

function membersOf(path: string): number[] {
  return treeOf(path).flatMap(readMembers);
}

/** A group and those below it. */
function treeOf(path: string): string[] {
  const entries = unlessGone([], () => readdirSync(path, { withFileTypes: true }));
  return [path, ...entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => treeOf(join(path, name)))];
}

/** 0 stands for a process of another PID namespace than ours, which has no id here. */
function readMembers(path: string): number[] {
  return unlessGone('', () => readFileSync(join(path, 'cgroup.procs'), 'utf8')).split('\n').map(Number).filter((pid) => pid > 0);
}
