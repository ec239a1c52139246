/**
 * Containers' snapshots on the disk: a file for each container, at whose end every change is written once more as a whole, so that the last that is whole
 * is what holds. That takes some ten microseconds, where a rename over the file that was there has ext4 write out the new one's data first
 * (auto_da_alloc; ADR 0022), some hundred. From time to time a new file with the last one alone takes its place.
 */
import { closeSync, constants, fstatSync, ftruncateSync, lstatSync, openSync, type Stats } from 'node:fs';
import { WardenError } from 'warden-protocol';
import { openFileLimit } from './preflight.js';
import { installSmallFile, prepareSmallFile, readSmallFile, replaceSmallFile, writeWhole } from './small-file.js';

/** The largest file: a snapshot has some hundred bytes, one with every rule, port and event that there can be some hundred thousand. */
const limitInBytes = 1024 * 1024;
/** A start reads all of them. */
const usualLimitInBytes = 32 * 1024;
const leastOfLarge = 4;
/** Descriptors that are kept. Of a larger pool those that come first are wanted first. */
const mostKeptOpen = 256;
/** Of all that the process may have, the part that is kept: connections, clients' and monitors', need the others more. */
const partKeptOpen = 1 / 16;

interface OpenFile {
  readonly descriptor: number;
  readonly ino: number;
}

export class SnapshotFiles {
  /** Of files that this server has written; what an earlier one has left may end anywhere. */
  readonly #sizes = new Map<string, number>();

  /** What lies beside a file that is not there yet, to become it. */
  readonly #prepared = new Map<string, string>();

  /** Files that are going to be written soon. */
  readonly #open = new Map<string, OpenFile>();

  readonly #keptOpen: number;

  /** @param descriptorLimit of this process, soft; undefined: none */
  constructor(descriptorLimit = openFileLimit()) {
    this.#keptOpen = Math.min(mostKeptOpen, Math.floor((descriptorLimit ?? Infinity) * partKeptOpen));
  }

  /** Writes beside it what is going to be the first text of a file. @throws what open(2) and write(2) say */
  prepare(path: string, text: string): void {
    prepareSmallFile(path, text);
    this.#prepared.set(path, text);
  }

  /** Opens a file in advance, for its next text. Without that it is only written later. */
  expect(path: string): void {
    if (!this.#sizes.has(path) || this.#open.has(path) || this.#open.size >= this.#keptOpen) return;
    const descriptor = openExisting(path);
    if (descriptor !== undefined) this.#open.set(path, { descriptor, ino: fstatSync(descriptor).ino });
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
    const open = this.#open.get(path);
    if (open !== undefined) {
      this.#open.delete(path);
      // Whoever waits for the text does not wait for that.
      setImmediate(() => closeSync(open.descriptor));
    }
    const hasRoom = known !== undefined && known + bytes.length <= largestFor(bytes.length);
    const isAppended = hasRoom && (open === undefined ? append(path, known, bytes) : isAsItWas(path, open, known) && appendTo(open.descriptor, known, bytes));
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
    const open = this.#open.get(path);
    this.#open.delete(path);
    if (open !== undefined) closeSync(open.descriptor);
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
    return hasSize(fstatSync(descriptor), sizeInBytes) && appendTo(descriptor, sizeInBytes, bytes);
  } finally {
    closeSync(descriptor);
  }
}

function hasSize(status: Stats, sizeInBytes: number): boolean {
  return status.isFile() && status.size === sizeInBytes;
}

/** Whether the file that was opened stands at its path still, as it was left. */
function isAsItWas(path: string, { ino }: OpenFile, sizeInBytes: number): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status !== undefined && status.ino === ino && hasSize(status, sizeInBytes);
}

/** @returns true */
function appendTo(descriptor: number, sizeInBytes: number, bytes: Buffer): boolean {
  try {
    writeWhole(descriptor, bytes);
  } catch (error) {
    // A part does not count, but what is written next has to begin where the last whole one ends.
    ftruncateSync(descriptor, sizeInBytes);
    throw error;
  }
  return true;
}

/** Whatever is wrong with it, a new file in its place is right, or says why there can be none. */
function openExisting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
