/**
 * Containers' snapshots on the disk: a file for each container, at whose end every change is written once more as a whole, so that the last that is whole
 * is what holds. That takes some ten microseconds, where a rename over the file that was there has ext4 write out the new one's data first
 * (auto_da_alloc; ADR 0022), some hundred. From time to time a new file with the last one alone takes its place.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { WardenError } from 'warden-protocol';
import { installSmallFile, prepareSmallFile, readSmallFile, replaceSmallFile, writeWhole } from './small-file.js';

/** The largest file: a snapshot has some hundred bytes, one with every rule, port and event that there can be some hundred thousand. */
const limitInBytes = 1024 * 1024;
/** A start reads all of them. */
const usualLimitInBytes = 32 * 1024;
const leastOfLarge = 4;

export class SnapshotFiles {
  /** Of files that this server has written; what an earlier one has left may end anywhere. */
  readonly #sizes = new Map<string, number>();

  /** What lies beside a file that is not there yet, to become it. */
  readonly #prepared = new Map<string, string>();

  /** Writes beside it what is going to be the first text of a file. @throws what open(2) and write(2) say */
  prepare(path: string, text: string): void {
    prepareSmallFile(path, text);
    this.#prepared.set(path, text);
  }

  /** @throws WardenError exhausted, or what open(2), write(2) and rename(2) say; what is recorded is then what was before */
  write(path: string, text: string): void {
    const bytes = Buffer.from(text);
    // No start could read it, and the container would be nobody's.
    if (bytes.length > limitInBytes) throw new WardenError('exhausted', `a snapshot of ${bytes.length} bytes is larger than ${limitInBytes}: labels, bind mounts, rules and ports of the container are too many or too long together`);
    const prepared = this.#prepared.get(path);
    if (prepared !== undefined) {
      this.#prepared.delete(path);
      if (prepared === text) {
        installSmallFile(path);
        this.#sizes.set(path, bytes.length);
        return;
      }
    }
    const known = this.#sizes.get(path);
    this.#sizes.delete(path);
    const isAppended = known !== undefined && known + bytes.length <= largestFor(bytes.length) && append(path, known, bytes);
    if (!isAppended) replaceSmallFile(path, bytes);
    this.#sizes.set(path, isAppended ? known + bytes.length : bytes.length);
  }

  /** Everything in the file; undefined: there is none. @throws ForeignFile, or what open(2) and read(2) say */
  read(path: string): string | undefined {
    return readSmallFile(path, limitInBytes);
  }

  /** The file goes, with its directory. */
  forget(path: string): void {
    this.#prepared.delete(path);
    this.#sizes.delete(path);
  }
}

function largestFor(snapshotInBytes: number): number {
  return Math.min(limitInBytes, Math.max(usualLimitInBytes, leastOfLarge * snapshotInBytes));
}

/** @returns false: the file is not there as it was left, and nothing was written */
function append(path: string, sizeInBytes: number, bytes: Buffer): boolean {
  const descriptor = openExisting(path);
  if (descriptor === undefined) return false;
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size !== sizeInBytes) return false;
    try {
      writeWhole(descriptor, bytes);
    } catch (error) {
      // A part does not count, but what is written next has to begin where the last whole one ends.
      ftruncateSync(descriptor, sizeInBytes);
      throw error;
    }
    return true;
  } finally {
    closeSync(descriptor);
  }
}

/** Whatever is wrong with it, a new file in its place is right, or says why there can be none. */
function openExisting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
