/**
 * One empty directory that is made while the launcher works on the container before, to be moved into the next one's place. Where
 * directories are spread over a disk's groups to keep them fast later on (native/launcher/hello.c), making one reads from
 * the disk: some hundred microseconds, up to 50 ms beside whoever writes much, which a create need not wait for, nor the event loop: a thread of
 * Node's makes it. With disk limits its disk is made beforehand, too.
 */
import { lstatSync, mkdir, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { diskLinkOf, linkDisk } from './disk-links.js';
import { isErrno } from './small-file.js';

const makeDirectory = promisify(mkdir);

export class SpareDirectory {
  #directory = '';
  #disk: string | undefined;
  #number = 0;
  #made: Promise<void> = Promise.resolve();
  #state: 'none' | 'planned' | 'ready' | 'given up' = 'none';

  /**
   * @param failed told once when directories cannot be made: they are made in the ordinary way from then on; and whenever a disk cannot
   * @param makeDisk undefined: containers have none of their own
   */
  constructor(
    readonly path: string,
    private readonly failed: (error: unknown) => void,
    private readonly makeDisk?: () => Promise<string | undefined>,
  ) {}

  /** Removes what an earlier server has left; what is not empty is not ours. */
  clear(): void {
    for (const name of readdirSync(this.path)) {
      try {
        rmSync(diskLinkOf(join(this.path, name)), { force: true });
        rmdirSync(join(this.path, name));
      } catch (error) {
        if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'ENOTDIR')) throw error;
      }
    }
  }

  /** @returns undefined: there is none, or something stands at `target`, which a rename could replace */
  moveTo(target: string): { readonly disk: string | undefined } | undefined {
    if (this.#state !== 'ready' || lstatSync(target, { throwIfNoEntry: false }) !== undefined) return undefined;
    this.#state = 'none';
    try {
      renameSync(this.#directory, target);
      return { disk: this.#disk };
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** In the next turn of the event loop. */
  makeSoon(): void {
    if (this.#state !== 'none') return;
    this.#state = 'planned';
    this.#made = new Promise((resolve) => void setImmediate(() => void this.#make().then(resolve)));
  }

  /** Settles when what was planned is there, or cannot be. */
  get made(): Promise<void> {
    return this.#made;
  }

  async #make(): Promise<void> {
    try {
      this.#disk = this.makeDisk === undefined ? undefined : await this.makeDisk();
    } catch (error) {
      // The launcher may have been killed: next time it is there again.
      this.#state = 'none';
      this.failed(error);
      return;
    }
    try {
      // A new name each time: ext4 chooses the group of such a directory by its name (find_group_orlov()).
      this.#directory = join(this.path, `${process.pid}-${Date.now()}-${this.#number++}`);
      await makeDirectory(this.#directory, { mode: 0o700 });
      if (this.#disk !== undefined) linkDisk(this.#directory, this.#disk);
      this.#state = 'ready';
    } catch (error) {
      this.#state = 'given up';
      this.failed(error);
    }
  }
}
