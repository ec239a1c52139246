/**
 * Small files of the server's own: read and replaced as a whole. Neither follows a symbolic link, waits for a FIFO, or reads
 * more than it should: what stands in such a place is not ours.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/** A file that is there and is none of ours. */
export class ForeignFile extends Error {
  override readonly name = 'ForeignFile';
}

/**
 * The text of a file; undefined: there is none.
 * @throws ForeignFile, or what open(2) and read(2) say
 */
export function readSmallFile(path: string, limitInBytes: number): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'ELOOP') || isErrno(error, 'ENXIO')) throw new ForeignFile(`${path} is no regular file`, { cause: error });
    throw error;
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new ForeignFile(`${path} is no regular file`);
    if (status.size > limitInBytes) throw new ForeignFile(`${path} has ${status.size} bytes, more than ${limitInBytes}`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces a file by a new one and a rename: a reader sees the old text or the new one. */
export function replaceSmallFile(path: string, text: string | Buffer): void {
  prepareSmallFile(path, text);
  installSmallFile(path);
}

/** The first half of it: nothing is replaced yet. */
export function prepareSmallFile(path: string, text: string | Buffer): void {
  const temporary = `${path}.new`;
  const descriptor = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  try {
    writeWhole(descriptor, typeof text === 'string' ? Buffer.from(text) : text);
  } finally {
    closeSync(descriptor);
  }
}

/** The second half: what was prepared last takes the place. */
export function installSmallFile(path: string): void {
  renameSync(`${path}.new`, path);
}

/** @throws what write(2) says; a part may be written then */
export function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
