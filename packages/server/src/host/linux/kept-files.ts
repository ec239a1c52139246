/**
 * Files in which the kernel tells a number or some lines, kept open between readings: opening and closing one takes four times as long as reading it,
 * and the reply of a job needs seven. Only those of the owners that were asked for last are kept, because a descriptor for each file of a
 * thousand containers would make everything slower that wardend's descriptors are copied or closed for.
 */
import { closeSync, openSync } from 'node:fs';
import { readKernelBytes, readKernelDescriptor } from './kernel-file.js';
import { unlessGone } from './unless-gone.js';

/** Null: there is no such file. */
type Descriptors = Map<string, number | null>;

export class KeptFiles {
  /** By their owner, in the order in which they were asked for. */
  readonly #owners = new Map<string, Descriptors>();
  /** The one that was asked for last, which the next question is mostly about. */
  #last: { readonly owner: string; readonly descriptors: Descriptors } | undefined;

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
    const descriptors = this.#of(owner);
    const key = directory + name;
    let descriptor = descriptors.get(key);
    if (descriptor === undefined) {
      descriptor = unlessGone(null, () => openSync(`${directory}/${name}`, 'r'));
      descriptors.set(key, descriptor);
    }
    return descriptor;
  }

  /** Closes what is kept of an owner. */
  forget(owner: string): void {
    const descriptors = this.#owners.get(owner);
    if (descriptors === undefined) return;
    this.#owners.delete(owner);
    if (this.#last?.owner === owner) this.#last = undefined;
    for (const descriptor of descriptors.values()) {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  #of(owner: string): Descriptors {
    if (this.#last?.owner === owner) return this.#last.descriptors;
    const descriptors = this.#owners.get(owner) ?? new Map<string, number | null>();
    this.#owners.delete(owner);
    this.#owners.set(owner, descriptors);
    this.#last = { owner, descriptors };
    if (this.#owners.size > this.limit) {
      const [oldest] = this.#owners.keys();
      if (oldest !== undefined) this.forget(oldest);
    }
    return descriptors;
  }
}
