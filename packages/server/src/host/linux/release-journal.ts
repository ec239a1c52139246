/**
 * The networks that rest, so that a server that was killed does not hand one out too early: a line for each, appended with one
 * write of some microseconds. The first line is the boot's id: after another boot no packet is under way. What cannot be read is
 * skipped: that network rests no longer, and nothing else depends on it.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { NetworkRelease } from '../host.js';
import { readSmallFile, replaceSmallFile } from './small-file.js';

/** When the file is longer, what no longer rests is left out. */
const compactAboveInBytes = 64 * 1024;
const limitInBytes = 16 * 1024 * 1024;

export class ReleaseJournal {
  #descriptor: number | undefined;
  #sizeInBytes = 0;
  #releases: NetworkRelease[] = [];

  constructor(
    private readonly path: string,
    private readonly bootId: string,
    private readonly now: () => number,
  ) {}

  /** Those that still rest, the first that ends first. @throws what open(2) and read(2) say */
  read(): NetworkRelease[] {
    const [bootId, ...lines] = (readSmallFile(this.path, limitInBytes) ?? '').split('\n');
    this.#releases = bootId === this.bootId ? lines.flatMap(parseLine) : [];
    return this.#keepResting();
  }

  /** @throws what open(2) and write(2) say */
  append(release: NetworkRelease): void {
    this.#releases.push(release);
    if (this.#descriptor === undefined || this.#sizeInBytes > compactAboveInBytes) {
      this.#rewrite();
      return;
    }
    this.#sizeInBytes += writeSync(this.#descriptor, lineOf(release));
  }

  #keepResting(): NetworkRelease[] {
    const now = this.now();
    this.#releases = this.#releases.filter(({ freeFromMs }) => freeFromMs > now).sort((a, b) => a.freeFromMs - b.freeFromMs);
    return this.#releases;
  }

  #rewrite(): void {
    const text = `${this.bootId}\n${this.#keepResting().map(lineOf).join('')}`;
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    replaceSmallFile(this.path, text);
    this.#sizeInBytes = Buffer.byteLength(text);
    this.#descriptor = openSync(this.path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
  }
}

function lineOf({ network, freeFromMs }: NetworkRelease): string {
  return `${network} ${Math.ceil(freeFromMs)}\n`;
}

function parseLine(line: string): NetworkRelease[] {
  const [, network, freeFromMs] = /^(\d{1,10}) (\d{1,15})$/.exec(line) ?? [];
  return network === undefined ? [] : [{ network: Number(network), freeFromMs: Number(freeFromMs) }];
}
