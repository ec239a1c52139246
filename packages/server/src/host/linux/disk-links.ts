/**
 * Which disk is a container's: a symbolic link in its directory, beside the directory of all disks. It moves with the
 * container's directory, and it is there before anything is on the disk, so that no disk of a living container can be taken for one that nobody has.
 */
import { readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isErrno } from './small-file.js';

export const disksName = 'disks';
const linkName = 'disk';
/** From a directory two levels below the depot. */
const linkPattern = new RegExp(`^\\.\\./\\.\\./${disksName}/([0-9a-z-]+)$`);

/** @param directory of a container, or what is to become one: in the depot's `containers` or `spare` */
export function linkDisk(directory: string, disk: string): void {
  symlinkSync(`../../${disksName}/${basename(disk)}`, join(directory, linkName));
}

export function diskLinkOf(directory: string): string {
  return join(directory, linkName);
}

/**
 * The name of the disk that belongs to a directory; undefined: there is none.
 * @throws what readlink(2) says, but that there is no link
 */
export function readDiskLink(directory: string): string | undefined {
  try {
    return linkPattern.exec(readlinkSync(diskLinkOf(directory)))?.[1];
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EINVAL') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Names of the disks that no directory below `parent` has. @throws what says that not all links could be read: then none may be removed */
export function findUnownedDisks(disks: string, parent: string): string[] {
  const names = new Set(listDirectory(disks));
  for (const entry of readdirSync(parent)) {
    const name = readDiskLink(join(parent, entry));
    if (name !== undefined) names.delete(name);
  }
  return [...names];
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
