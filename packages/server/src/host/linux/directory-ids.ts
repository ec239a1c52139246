/** Directories by the numbers that the kernel has for them, which stay when they get another name. */
import { statSync } from 'node:fs';
import type { DirectoryId } from './copy-messages.js';

/** Without those that are not there any more, and files. */
export function directoryIds(paths: readonly string[]): DirectoryId[] {
  return paths.flatMap((path) => {
    const status = statSync(path, { bigint: true, throwIfNoEntry: false });
    return status?.isDirectory() === true ? [{ device: status.dev, inode: status.ino }] : [];
  });
}
