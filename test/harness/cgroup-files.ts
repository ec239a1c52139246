/* The containers' cgroups, as the kernel shows them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP_ROOT } from './slot.js';

/** Which version of cgroups has this controller on this machine: containers use version 1 where both do. */
export function controllerVersion(controller: string): 1 | 2 {
  return existsSync(join(CGROUP_ROOT, controller, 'tasks')) ? 1 : 2;
}

/** A file of a group in the hierarchy of a controller; `group` is below its root. */
export function groupFile(controller: string, group: string, name: string): string {
  return join(CGROUP_ROOT, ...(controllerVersion(controller) === 1 ? [controller] : []), group, name);
}

export function readGroupFile(controller: string, group: string, name: string): string {
  return readFileSync(groupFile(controller, group, name), 'utf8').trim();
}
