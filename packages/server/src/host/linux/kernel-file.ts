/** Files in which the kernel tells a number or some lines. Those that are read with every job stay open: kept-files.ts. */
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
      return readKernelDescriptor(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** The text of a file that is open, as the kernel tells it now. */
export function readKernelDescriptor(descriptor: number): string | undefined {
  return readKernelBytes(descriptor)?.toString('latin1');
}

/** The same in bytes, which the next reading overwrites. */
export function readKernelBytes(descriptor: number): Buffer | undefined {
  try {
    // The kernel gives such a file as a whole.
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, 0));
  } catch (error) {
    // Of an interface that went after open(2).
    if (isErrno(error, 'EINVAL')) return undefined;
    throw error;
  }
}
