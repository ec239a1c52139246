/**
 * Files in which the kernel tells a number or some lines. They are opened each time: one that is kept open is a descriptor for each container,
 * and a thousand of them make everything slower that wardend's descriptors are copied or closed for.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { isErrno } from './small-file.js';
import { unlessGone } from './unless-gone.js';

/** memory.stat, the longest, has 2 KiB with version 1 and 4 KiB with version 2, some more where there are many memory nodes. */
const buffer = Buffer.allocUnsafe(64 * 1024);

/** A file's text; undefined: it is not there, or what it tells of goes at this moment. */
export function readKernelFile(path: string): string | undefined {
  return unlessGone(undefined, () => {
    const descriptor = openSync(path, 'r');
    try {
      // The kernel gives such a file as a whole.
      return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, 0));
    } catch (error) {
      // Of an interface that went after open(2).
      if (isErrno(error, 'EINVAL')) return undefined;
      throw error;
    } finally {
      closeSync(descriptor);
    }
  });
}
