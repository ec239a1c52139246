/** Files that somebody else may be exchanging meanwhile. */
import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { WardenError } from 'warden-protocol';

/**
 * Neither follows a link, as whoever fetched the file may have left one, nor waits for a FIFO, nor takes a device.
 * @param path without symbolic links, as it was found: where one leads that was put on the way since is not read
 * @throws WardenError invalid_argument
 */
export function openRegular(path: string): number {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    if (!fstatSync(descriptor).isFile()) throw new WardenError('invalid_argument', `${path} is no regular file`);
    if (readlinkSync(`/proc/self/fd/${descriptor}`) !== path) throw new WardenError('invalid_argument', `${path} was exchanged for something else meanwhile`);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
