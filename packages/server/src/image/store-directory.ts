/**
 * The store on the disk, for root alone:
 *
 *   IMAGES/layers/HEX/root/     a layer's files, as overlayfs takes them; HEX is its diff id
 *   IMAGES/layers/HEX/size      bytes of its files, in decimal
 *   IMAGES/records/HEX.json     an image: its names, configuration, layers; HEX is its id
 *   IMAGES/incoming/            files of pulls
 *   IMAGES/staging/             what is being unpacked, and what is on its way out; emptied at the start
 *
 * Images outlive the machine's boot, so a layer is on the disk before it gets its name (the program that unpacks it sees to that), and so is a record.
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, renameSync } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../lib/digest.js';
import { parseDigest } from '../lib/digest.js';

/** Removes entries of one directory with everything in them, in the background. What is not there is no error. */
export interface Removal {
  remove(name: string): void;
  /** Settles when everything so far was removed, or could not be. */
  emptied(): Promise<void>;
}

const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);
const digestOf = (hex: string): Digest | undefined => parseDigest(`sha256:${hex}`);

export class StoreDirectory {
  readonly #layers: string;
  readonly #records: string;
  readonly #staging: string;
  readonly incoming: string;
  #number = 0;
  /** Those that are still in staging. */
  readonly #staged = new Set<string>();
  readonly #removal: Removal;

  /** @param removalFrom makes what removes entries of a directory */
  constructor(given: string, removalFrom: (directory: string) => Removal) {
    mkdirSync(given, { recursive: true, mode: 0o700 });
    // It may be a link to another disk; files in it are opened by paths without one.
    const path = realpathSync.native(given);
    this.#layers = join(path, 'layers');
    this.#records = join(path, 'records');
    this.#staging = join(path, 'staging');
    this.incoming = join(path, 'incoming');
    for (const directory of [this.#layers, this.#records, this.#staging, this.incoming]) mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#removal = removalFrom(this.#staging);
  }

  /** Takes away what an earlier server was about. Nothing is under way then. */
  empty(): void {
    for (const name of readdirSync(this.#staging)) this.#removal.remove(name);
  }

  /** Settles when nothing is being removed. */
  async removed(): Promise<void> {
    await this.#removal.emptied();
  }

  /** A new directory, in which something is to be unpacked. */
  async stage(): Promise<string> {
    const path = join(this.#staging, this.#name('new'));
    await mkdir(path, { mode: 0o700 });
    this.#staged.add(path);
    return path;
  }

  /** What stage() gave goes, unless it has become a layer. */
  unstage(path: string): void {
    if (this.#staged.delete(path)) this.#removal.remove(path.slice(this.#staging.length + 1));
  }

  rootOf(layer: Digest): string {
    return join(this.#layers, hexOf(layer), 'root');
  }

  /** Layers with their size. */
  layers(): Map<Digest, number> {
    const found = new Map<Digest, number>();
    for (const name of readdirSync(this.#layers)) {
      const digest = digestOf(name);
      if (digest !== undefined) found.set(digest, this.#sizeOf(name));
    }
    return found;
  }

  #sizeOf(name: string): number {
    try {
      return Number(readFileSync(join(this.#layers, name, 'size'), 'utf8'));
    } catch {
      return 0;
    }
  }

  /** @param staged what stage() gave, with the layer in `root` */
  async keepLayer(layer: Digest, staged: string, sizeInBytes: number): Promise<void> {
    await writeDurably(join(staged, 'size'), `${sizeInBytes}\n`);
    await rename(staged, join(this.#layers, hexOf(layer)));
    this.#staged.delete(staged);
    await flush(this.#layers);
  }

  /** Its name goes at once, its files in the background. */
  dropLayer(layer: Digest): void {
    const name = this.#name('old');
    renameSync(join(this.#layers, hexOf(layer)), join(this.#staging, name));
    this.#removal.remove(name);
  }

  /** Texts of all records. */
  records(): { readonly id: Digest; readonly text: string }[] {
    return readdirSync(this.#records).flatMap((name) => {
      const id = name.endsWith('.json') ? digestOf(name.slice(0, -'.json'.length)) : undefined;
      return id === undefined ? [] : [{ id, text: readFileSync(join(this.#records, name), 'utf8') }];
    });
  }

  async writeRecord(id: Digest, text: string): Promise<void> {
    const path = join(this.#records, `${hexOf(id)}.json`);
    await writeDurably(`${path}.new`, text);
    await rename(`${path}.new`, path);
    await flush(this.#records);
  }

  async removeRecord(id: Digest): Promise<void> {
    await unlink(join(this.#records, `${hexOf(id)}.json`));
    await flush(this.#records);
  }

  #name(kind: string): string {
    return `${kind}-${process.pid}-${this.#number++}`;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function flush(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
