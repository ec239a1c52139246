/** Files of cgroups: read and written as a whole. A file that is not there is a controller, or a part of one, that this kernel lacks. */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import { isErrno } from './small-file.js';

/** A container's group in the hierarchy of one controller. */
export interface ControllerGroup {
  readonly path: string;
  readonly version: 1 | 2;
}

/** A group's files are the kernel's: one that is missing cannot be made. */
const existing = constants.O_WRONLY | constants.O_TRUNC;

export function readGroupFile({ path }: ControllerGroup, name: string): string {
  return readFileSync(join(path, name), 'utf8').trim();
}

/** Undefined: there is no such file, because the kernel was built without, or is too old. */
export function readOptionalGroupFile(group: ControllerGroup, name: string): string | undefined {
  try {
    return readGroupFile(group, name);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Takes some ten microseconds, unless the kernel has to reclaim memory for it. */
export function writeGroupFile({ path }: ControllerGroup, name: string, text: string): void {
  const descriptor = openSync(join(path, name), existing);
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

/** For what may take its time: the event loop goes on. */
export async function writeGroupFileInBackground({ path }: ControllerGroup, name: string, text: string): Promise<void> {
  const file = await open(join(path, name), existing);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

/** The group, or why there is none. @throws WardenError unsupported */
export function requireGroup(group: ControllerGroup | undefined, controller: string): ControllerGroup {
  if (group !== undefined) return group;
  throw new WardenError('unsupported', `the ${controller} controller of cgroups is not available to containers on this machine (server.cgroup_version, server.cgroup_root; the kernel's command line may have turned it off)`);
}
