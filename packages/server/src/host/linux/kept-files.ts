/**
 * Files in which the kernel tells a number or some lines, kept open between readings: opening and closing one takes four times as long as reading it,
 * and the reply of a job needs seven. Only those of the owners that were asked for last are kept, because a descriptor for each file of a
 * thousand containers would make everything slower that wardend's descriptors are copied or closed for.
 */
import { closeSync, openSync } from 'node:fs';
import { readKernelBytes, readKernelDescriptor } from './kernel-file.js';
import { unlessGone } from './unless-gone.js';

interface OpenFile {
  readonly directory: string;
  readonly name: string;
  /** Null: there is no such file. */
  readonly descriptor: number | null;
}

/** Of one owner; so few that looking at each is quicker than making a key for a map. */
type OpenFiles = OpenFile[];

export class KeptFiles {
  /** By their owner, in the order in which they were asked for. */
  readonly #owners = new Map<string, OpenFiles>();
  /** The one that was asked for last, which the next question is mostly about. */
  #last: { readonly owner: string; readonly files: OpenFiles } | undefined;

  /** @param limit owners whose files are kept */
  constructor(private readonly limit: number) {}

  /** The file's text; undefined: it is not there, or what it tells of has gone. */
  read(owner: string, directory: string, name: string): string | undefined {
    const descriptor = this.#open(owner, directory, name);
    return descriptor === null ? undefined : unlessGone(undefined, () => readKernelDescriptor(descriptor));
  }

  /** The same in bytes, which the next reading of any file overwrites. */
  readBytes(owner: string, directory: string, name: string): Buffer | undefined {
    const descriptor = this.#open(owner, directory, name);
    return descriptor === null ? undefined : unlessGone(undefined, () => readKernelBytes(descriptor));
  }

  #open(owner: string, directory: string, name: string): number | null {
    const files = this.#of(owner);
    for (const file of files) {
      if (file.name === name && file.directory === directory) return file.descriptor;
    }
    const descriptor = unlessGone(null, () => openSync(`${directory}/${name}`, 'r'));
    files.push({ directory, name, descriptor });
    return descriptor;
  }

  /** Closes what is kept of an owner. */
  forget(owner: string): void {
    const files = this.#owners.get(owner);
    if (files === undefined) return;
    this.#owners.delete(owner);
    if (this.#last?.owner === owner) this.#last = undefined;
    for (const { descriptor } of files) {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  #of(owner: string): OpenFiles {
    if (this.#last?.owner === owner) return this.#last.files;
    const files = this.#owners.get(owner) ?? [];
    this.#owners.delete(owner);
    this.#owners.set(owner, files);
    this.#last = { owner, files };
    if (this.#owners.size > this.limit) {
      const [oldest] = this.#owners.keys();
      if (oldest !== undefined) this.forget(oldest);
    }
    return files;
  }
}
